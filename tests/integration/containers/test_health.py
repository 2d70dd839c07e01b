"""An image's health check tells whether its process can do its work."""

from collections.abc import Mapping

import pytest
from running_containers import GATEWAY_PORT, Images, hardened, state, temporal_on, until
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

SECOND = 1_000_000_000
# As in the image, but oftener: the image's own times are for years, not for a test.
OFTEN = {"interval": SECOND, "start_period": 60 * SECOND, "retries": 2}


@pytest.mark.parametrize("member", ["gateway", "gardener"])
def test_health_follows_temporal(
    engine: Images, images: Mapping[str, str], network: Network, member: str
) -> None:
    """Healthy once the process serves, unhealthy while Temporal is away, and it goes on running."""
    name = f"temporal-of-{member}"
    checked = (
        DockerContainer(images[member], network=network)
        .with_env("TEMPORAL_ADDRESS", f"{name}:7233")
        .with_env("BRAIN_URL", "sqlite:////tmp/brain.db")
        .with_env("CONTEXTWORKER_STORE_URL", "file:///tmp/objects")
        .with_env("CONTEXTWORKER_GATEWAY_INSECURE", "true")
        .with_env("WORKER_PORT", str(GATEWAY_PORT + 1))
    )
    hardened(checked, healthcheck=OFTEN)
    with temporal_on(engine, network, name) as temporal, checked:
        until(lambda: state(checked)["Health"]["Status"], lambda status: status == "healthy")

        temporal.get_wrapped_container().stop()
        # A busy machine may end a check before it has an answer: that one is no answer, either.
        now = until(
            lambda: state(checked),
            lambda now: (
                now["Health"]["Status"] == "unhealthy"
                and "NOT_SERVING" in now["Health"]["Log"][-1]["Output"]
            ),
        )

        assert "running" == now["Status"]
