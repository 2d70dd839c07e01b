"""What the schema of compose files does not say of ours: that one part fits the other."""

from manifests import DEPLOY, load, services


def test_compose_is_reached_from_this_machine_only() -> None:
    """Nothing there authenticates its callers but Grafana."""
    published = [port for service in services().values() for port in service.get("ports", [])]

    assert [] == [port for port in published if not port.startswith("127.0.0.1:")]


def test_no_read_only_container_is_given_a_secret_of_the_environment() -> None:
    """Compose copies such a secret into the container, which a read-only root forbids."""
    compose = services()

    assert [] == [n for n, s in compose.items() if s.get("read_only") and s.get("secrets")]


def test_every_name_in_compose_is_declared_and_every_file_is_there() -> None:
    """Services wait for services, and get volumes, secrets and files that are there."""
    compose, whole = services(), load(DEPLOY / "compose.yaml")
    for name, service in compose.items():
        folder = DEPLOY / "compose" if name.endswith("-worker") else DEPLOY
        assert set(service.get("depends_on", {})) <= set(compose)
        assert set(service.get("secrets", [])) <= set(whole["secrets"])
        for volume in service.get("volumes", []):
            source = volume.rpartition(":-")[2].replace("}", "").split(":")[0]
            assert (folder / source).exists() if "/" in source else source in whole["volumes"]
        if build := service.get("build"):
            assert (folder / build["context"] / build["dockerfile"]).is_file()
