"""Ports are taken on loopback alone, and on all of it."""

from __future__ import annotations

import socket

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.sandbox.ports import Listener, free_port, open_listener


def test_both_addresses_of_localhost_are_taken():
    with Listener() as listener:
        assert {each.getsockname()[0] for each in listener.sockets} <= {"127.0.0.1", "::1"}
        assert {each.getsockname()[1] for each in listener.sockets} == {listener.port}
        assert listener.handles == tuple(each.fileno() for each in listener.sockets)
        found = socket.getaddrinfo("localhost", listener.port, type=socket.SOCK_STREAM)
        taken = {each.getsockname()[0] for each in listener.sockets}
        assert {address[0] for *_, address in found} <= taken
    assert all(each.fileno() == -1 for each in listener.sockets)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_that_one_address_has_in_use(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as other:
        try:
            other.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"The port {port} cannot be used"):
            open_listener(port, None)
        with open_listener(None, port) as listener:
            assert listener.port != port


def test_the_former_port_is_preferred():
    port = free_port()
    with open_listener(None, port) as listener:
        assert listener.port == port
    with open_listener(port, free_port()) as listener:
        assert listener.port == port
