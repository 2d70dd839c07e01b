"""How much, how long and how far: what one fetch may take."""

from dataclasses import dataclass

from contextworker.harvest.feeds.fetch.addresses import Network
from contextworker.harvest.settings import HarvestSettings

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Bounds of one fetch, whatever the other side does."""

    max_bytes: int = 4096 * _MIB
    """Of a feed, on the wire and unpacked."""
    max_unpack_ratio: int = 250
    """Bytes that one packed byte may become, once they are more than `unpack_free_bytes`."""
    unpack_free_bytes: int = 64 * _MIB
    connect_timeout_s: float = 10
    read_timeout_s: float = 30
    total_timeout_s: float = 3600
    min_bytes_per_s: float = 1000
    """Over any `rate_window_s` of a download."""
    rate_window_s: float = 60
    max_redirects: int = 5
    max_resumes: int = 5
    resume_pause_s: float = 0.2
    """Before the first; twice as long before each next one."""
    max_retry_after_s: float = 3600
    """However long a server asks to be left alone."""
    allowed_networks: tuple[Network, ...] = ()
    """Reached although they are not public."""


def fetch_limits(settings: HarvestSettings) -> FetchLimits:
    """Return what the worker's settings say."""
    return FetchLimits(
        max_bytes=settings.harvest_max_feed_bytes,
        max_unpack_ratio=settings.harvest_max_unpack_ratio,
        connect_timeout_s=settings.harvest_connect_timeout_s,
        read_timeout_s=settings.harvest_read_timeout_s,
        total_timeout_s=settings.harvest_fetch_timeout_s,
        min_bytes_per_s=settings.harvest_min_bytes_per_s,
        max_redirects=settings.harvest_max_redirects,
        max_resumes=settings.harvest_max_resumes,
        allowed_networks=settings.harvest_allowed_networks,
    )
