"""The gateway's components: that they fit it, each other, and what docs/deploying.md says."""

import re
import shutil
from pathlib import Path

import pytest
from manifests import KUBERNETES, Document, assert_whole, container, environment, only, rendered
from running_system import ROOT

PREFIX = "CONTEXTWORKER_GATEWAY_"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """Render the gateway with the lines that the documentation adds to it."""
    folder = tmp_path_factory.mktemp("deploy") / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    text = (ROOT / "docs" / "deploying.md").read_text()
    (lines,) = re.findall(r"```yaml\n(components:\n(?:  - \.\./gateway-.*\n)+)```", text)
    overlay = folder / "gateway" / "kustomization.yaml"
    overlay.write_text(overlay.read_text() + lines)
    return rendered(str(folder))


def gateway(documents: list[Document], kind: str = "Deployment") -> Document:
    """Return the gateway's document of a kind."""
    return only([d for d in documents if d["metadata"]["name"] == "gateway"], kind)


def test_the_gateway_asks_for_tokens_and_serves_tls(guarded: list[Document]) -> None:
    """What the plain overlay allows is taken back, and the files are where the settings look."""
    assert_whole(guarded)
    told = environment(guarded, gateway(guarded))
    mounts = {mount["mountPath"] for mount in container(gateway(guarded))["volumeMounts"]}

    assert "false" == told[PREFIX + "INSECURE"]
    assert all(told[PREFIX + name] for name in ("AUTH_JWKS", "AUTH_ISSUER", "AUTH_AUDIENCE"))
    for name in ("TLS_CERT_FILE", "TLS_KEY_FILE"):
        assert str(Path(told[PREFIX + name] or "").parent) in mounts


def test_probes_ask_the_port_without_tls(guarded: list[Document]) -> None:
    """The kubelet can do no TLS: asked on the other port, no pod would ever be ready."""
    address = environment(guarded, gateway(guarded))[PREFIX + "HEALTH_ADDRESS"]
    probes = [value for key, value in container(gateway(guarded)).items() if key.endswith("Probe")]

    assert 3 == len(probes)
    assert {str(address).rpartition(":")[2]} == {str(probe["grpc"]["port"]) for probe in probes}


def test_the_keys_can_be_fetched(guarded: list[Document]) -> None:
    """The NetworkPolicy lets the gateway reach its identity provider."""
    egress = gateway(guarded, "NetworkPolicy")["spec"]["egress"]

    assert 443 in [port["port"] for rule in egress for port in rule["ports"]]


def test_without_them_nothing_is_left_of_them() -> None:
    """The plain gateway mounts no Secret that is not there."""
    plain = rendered(".")

    assert not any(d["metadata"]["name"].startswith("gateway-t") for d in plain)
    assert "true" == environment(plain, gateway(plain))[PREFIX + "INSECURE"]
