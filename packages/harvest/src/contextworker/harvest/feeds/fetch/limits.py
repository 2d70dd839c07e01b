"""How much, how long and how far: what one fetch may take."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Bounds of one fetch, whatever the other side does."""

    max_bytes: int = 4096 * _MIB
    """Of a feed, on the wire and unpacked."""
    max_unpack_ratio: int = 250
    """Bytes that one packed byte may become, once there are more than `unpack_free_bytes`."""
    unpack_free_bytes: int = 64 * _MIB
    connect_timeout_s: float = 10
    read_timeout_s: float = 30
    total_timeout_s: float = 3600
    min_bytes_per_s: float = 1000
    """Over any `rate_window_s` of a download."""
    rate_window_s: float = 60
    max_redirects: int = 5
    max_resumes: int = 5
    resume_pause_s: float = 1
    """Before the first; twice as long before each next one."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Reached although they are not public."""
