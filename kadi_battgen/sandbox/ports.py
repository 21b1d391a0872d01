"""Ports on loopback, and on loopback alone."""

from __future__ import annotations

import contextlib
import socket

from kadi_battgen.errors import UserError


class Listener:
    """Sockets that are bound to one port of the loopback addresses of IPv4 and, where there is one, of IPv6.

    Both, since ``localhost`` may mean either: nobody else shall be taken for the server. The sockets are passed on to
    the server, so that no other program can take the port before it does.

    Parameters
    ----------
    port
        The port; 0 for a free one.

    Raises
    ------
    OSError
        If the port is not free.
    """

    def __init__(self, port: int = 0) -> None:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(_bound(socket.AF_INET, port))
            self.port: int = first.getsockname()[1]
            self.sockets = [first]
            if _has_ipv6():
                self.sockets.append(stack.enter_context(_bound(socket.AF_INET6, self.port)))
            self._stack = stack.pop_all()

    @property
    def handles(self) -> tuple[int, ...]:
        """The file numbers of the sockets."""
        return tuple(each.fileno() for each in self.sockets)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def open_listener(wanted: int | None, former: int | None) -> Listener:
    """Return sockets of the port that is wanted, else of the former one if it is free, else of any.

    Raises
    ------
    UserError
        If the port that is wanted is not free.
    """
    if wanted is not None:
        try:
            return Listener(wanted)
        except OSError as error:
            raise UserError(
                f"The port {wanted} cannot be used ({error.strerror}): name another one, or leave it to the sandbox."
            ) from error
    if former is not None:
        with contextlib.suppress(OSError):
            return Listener(former)
    while True:
        # The port that IPv4 has free may be taken on IPv6.
        with contextlib.suppress(OSError):
            return Listener()


def free_port() -> int:
    """Return a port that is free at present."""
    with _bound(socket.AF_INET, 0) as probe:
        return int(probe.getsockname()[1])


def _bound(family: socket.AddressFamily, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Connections of the server before, which linger for a minute, do not block its port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _has_ipv6() -> bool:
    try:
        _bound(socket.AF_INET6, 0).close()
    except OSError:
        return False
    return True
