"""How the gRPC server treats connections: what it takes, what it drops, how long it keeps them."""

from contextworker.gateway.settings import GatewaySettings

ChannelOption = tuple[str, int]

MIN_PING_INTERVAL_S = 10
"""A client that pings more often is dropped."""

MAX_HEADER_BYTES = 16 * 1024
"""What a call's metadata may take: a bearer token of some KiB, and what proxies add."""

MAX_STREAMS = 1024
"""Calls that one connection may carry at once."""

_CONNECTION_GRACE_S = 3600


def server_options(settings: GatewaySettings) -> list[ChannelOption]:
    """List the options of gRPC's server."""
    return [
        ("grpc.max_receive_message_length", settings.gateway_max_request_bytes),
        # The soft limit's default is half of it: between the two, gRPC refuses calls at random.
        ("grpc.max_metadata_size", MAX_HEADER_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_HEADER_BYTES),
        # A client waits in silence for a stream over this limit, so it is above what the quotas
        # let one tenant have: those answer. It bounds what one connection can make us hold.
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Two gateways on one port would share it silently.
        ("grpc.so_reuseport", 0),
        # Notice callers that vanished, so that their watches end.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Let idle clients keep their connection alive, but not make us work: whoever pings too
        # often three times without a call in between is sent away (GOAWAY, ENHANCE_YOUR_CALM).
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_INTERVAL_S * 1000),
        ("grpc.http2.max_ping_strikes", 2),
        # A client keeps one connection for ever, and so one replica: told to make another, it finds
        # replicas that came later. gRPC spreads the age by 10 %, and calls in hand may end; only a
        # watch of a long run is cut, and resumes.
        ("grpc.max_connection_age_ms", int(settings.gateway_max_connection_age_s * 1000)),
        ("grpc.max_connection_age_grace_ms", _CONNECTION_GRACE_S * 1000),
    ]
