"""Machines of one network find each other."""

import socket

import pytest

from mien.remote.machines import Address, announced, machines_near


def test_a_machine_that_serves_is_found_by_its_name() -> None:
    here = "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton(here)
            )
        except OSError:
            pytest.skip("no multicast here")
    with announced("test box", (here,), 7499):
        assert ("test box", Address(here, 7499)) in machines_near(1.5)
