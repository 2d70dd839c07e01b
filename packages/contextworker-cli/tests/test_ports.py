"""Ports are found free, or the one that is not is named."""

import socket

import pytest

from contextworker.cli.errors import StackError
from contextworker.cli.stack.ports import LOOPBACK, PortWish, choose_ports


def _listening() -> socket.socket:
    server = socket.socket()
    server.bind((LOOPBACK, 0))
    server.listen()
    return server


def test_free_ports_are_all_different() -> None:
    """Ports chosen together never clash with each other."""
    ports = choose_ports(*[PortWish("x", "")] * 20)
    assert 20 == len(set(ports))


def test_a_preferred_port_in_use_is_passed_over() -> None:
    """The well-known port is a preference: where it is taken, another one is found."""
    with _listening() as server:
        taken = server.getsockname()[1]
        (port,) = choose_ports(PortWish("the gateway", "--port", preferred=taken))
    assert taken != port


def test_a_preferred_port_is_taken_where_free() -> None:
    """The well-known port is used where it can be."""
    (free,) = choose_ports(PortWish("x", ""))
    assert [free] == choose_ports(PortWish("x", "", preferred=free))


def test_a_fixed_port_in_use_is_an_error_naming_port_and_option() -> None:
    """A port a person asked for is never silently replaced."""
    with _listening() as server:
        taken = server.getsockname()[1]
        with pytest.raises(StackError) as caught:
            choose_ports(PortWish("the gateway", "--port", fixed=taken))
    expected = f"Port {taken} for the gateway is in use on 127.0.0.1"
    assert str(caught.value).startswith(expected)
    assert "--port" in str(caught.value)


def test_a_fixed_port_wins_over_another_ones_preference() -> None:
    """A wish that prefers a port yields it to one that insists on it, whatever their order."""
    (port,) = choose_ports(PortWish("x", ""))
    chosen = choose_ports(PortWish("a", "", preferred=port), PortWish("b", "", fixed=port))
    assert port == chosen[1]
    assert port != chosen[0]


def test_the_same_port_fixed_twice_is_an_error() -> None:
    """Two parts of the stack cannot be given one port."""
    (port,) = choose_ports(PortWish("x", ""))
    with pytest.raises(StackError, match=f"Port {port} for Temporal"):
        choose_ports(PortWish("the gateway", "", fixed=port), PortWish("Temporal", "", fixed=port))


def test_a_port_beyond_the_range_is_an_error() -> None:
    """A number no port can have is refused as a sentence, not as an OverflowError."""
    with pytest.raises(StackError, match="Port 70000"):
        choose_ports(PortWish("the gateway", "--port", fixed=70_000))
