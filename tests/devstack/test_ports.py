"""Ports: a clash is explained with port, holder and setting."""

import os
import socket
from collections.abc import Iterator

import pytest

from devstack.embedded.errors import StackError
from devstack.embedded.ports import accepts, free_ports, holder_of, is_free, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_clash_names_port_holder_and_setting(taken: int) -> None:
    with pytest.raises(StackError) as clash:
        require_free(taken, what="kafka", setting="OSTRO_PORT_KAFKA")
    message = str(clash.value)
    assert f"port {taken} for kafka is taken by pid {os.getpid()} (" in message
    assert "OSTRO_PORT_KAFKA=<port> make run" in message


def test_a_free_port_is_accepted_and_has_no_holder() -> None:
    (port,) = free_ports(1)
    require_free(port, what="kafka", setting="OSTRO_PORT_KAFKA")
    assert holder_of(port) is None
    assert not accepts(f"127.0.0.1:{port}")


def test_a_taken_port_is_not_free(taken: int) -> None:
    assert not is_free(taken)
    assert accepts(f"127.0.0.1:{taken}")


def test_free_ports_differ() -> None:
    assert len(set(free_ports(50))) == 50
