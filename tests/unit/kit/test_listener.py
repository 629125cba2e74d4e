"""Listening sockets of a service."""

import socket

from kit.service import _listener


def test_accepted_connections_do_not_wait_for_acknowledgements() -> None:
    """With Nagle's algorithm the body of each answer comes 40 ms after its head."""
    with (
        _listener("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()) as near,
    ):
        far, _ = listener.accept()
        with far:
            assert far.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert near.fileno() > 0
