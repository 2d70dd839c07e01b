"""The codec server's overlay, and the keys' component: that they fit settings and each other."""

from pathlib import Path

import pytest
from manifests import (
    KUBERNETES,
    Document,
    assert_whole,
    container,
    environment,
    only,
    rendered,
    services,
)

from contextworker.codec_server.settings import CodecServerSettings

PREFIX = "CONTEXTWORKER_CODEC_"


@pytest.fixture(scope="module")
def guarded() -> list[Document]:
    """What `kubectl apply -k` applies of the codec server, beside what every pod shares."""
    return [*rendered("codec-server"), *rendered("common")]


def test_it_is_whole_and_takes_tokens_only(guarded: list[Document]) -> None:
    """Beyond loopback, for the named UI, and for those whom an identity provider sends."""
    assert_whole([one for one in guarded if one["kind"] != "Namespace"])
    told = environment(guarded, only(guarded, "Deployment"))

    assert all(told[PREFIX + name] for name in ("AUTH_JWKS", "AUTH_ISSUER", "AUTH_AUDIENCE"))
    assert PREFIX + "INSECURE" not in told
    assert "0.0.0.0" == told[PREFIX + "HOST"]


def test_its_settings_are_settings(
    guarded: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started with them, it would start."""
    told = environment(guarded, only(guarded, "Deployment"))
    for name, value in told.items():
        monkeypatch.setenv(name, value or "")
    settings = CodecServerSettings()

    known = {f"CONTEXTWORKER_{name.upper()}" for name in CodecServerSettings.model_fields}
    assert {name for name in told if name.startswith(PREFIX)} <= known
    assert ("https://temporal.example.com",) == settings.codec_cors_origins
    assert settings.is_authenticated


def test_ports_volumes_and_graces_agree(guarded: list[Document]) -> None:
    """Probes ask where health is served, the keys lie where the setting looks, no drain is cut."""
    deployment = only(guarded, "Deployment")
    told = environment(guarded, deployment)
    ports = {port["name"]: str(port["containerPort"]) for port in container(deployment)["ports"]}
    probes = [value for key, value in container(deployment).items() if key.endswith("Probe")]
    mounts = {mount["mountPath"] for mount in container(deployment)["volumeMounts"]}
    pods = deployment["spec"]["template"]["spec"]

    assert ports["http"] == told[PREFIX + "PORT"]
    assert {ports["health"]} == {str(probe["grpc"]["port"]) for probe in probes}
    assert str(told["CONTEXTWORKER_HEALTH_ADDRESS"]).endswith(f":{ports['health']}")
    assert str(Path(told["CONTEXTWORKER_ENCRYPTION_KEYS_FILE"] or "").parent) in mounts
    assert pods["securityContext"]["fsGroup"], "or the process could not read the keys"
    assert pods["terminationGracePeriodSeconds"] >= 10 + float(
        told[PREFIX + "SHUTDOWN_GRACE_S"] or 0
    )


@pytest.mark.parametrize("overlay", ["gateway", "harvest", "controller/harvest"])
def test_the_keys_fit_every_overlay(tmp_path: Path, overlay: str) -> None:
    """The component mounts them wherever it is added, under whatever name the workload has."""
    paths = [(KUBERNETES / name).relative_to("/") for name in (overlay, "encryption-keys")]
    up = "../" * (len(tmp_path.parts) - 1)
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"resources: [{up}{paths[0]}]\ncomponents: [{up}{paths[1]}]\n"
    )
    (workload,) = (one for one in rendered(str(tmp_path)) if one["kind"].endswith("Deployment"))
    mounts = {mount["mountPath"] for mount in container(workload)["volumeMounts"]}

    assert "/etc/encryption-keys" in mounts


def test_compose_serves_its_own_ui() -> None:
    """Where a browser opens the UI is where the codec server lets it ask from."""
    compose = services()
    told = compose["codec-server"]["environment"]
    (ui,) = compose["temporal-ui"]["ports"]

    assert ["codec"] == compose["codec-server"]["profiles"]
    assert f"http://127.0.0.1:{ui.split(':')[1]}" in told[PREFIX + "CORS_ORIGINS"].split(",")
    for name in ("gateway", "codec-server", "harvest-worker"):
        assert (
            "${ENCRYPTION_KEYS:-}" == compose[name]["environment"]["CONTEXTWORKER_ENCRYPTION_KEYS"]
        )
