"""Machines of one network find each other."""

import socket
from pathlib import Path

import pytest

from mien.cli.devices import NearMachine, machines_nearby
from mien.remote.machines import Address, Machine, Machines, announced, machines_near


def test_a_machine_that_serves_is_found_by_its_name() -> None:
    here = _multicast_address()
    with announced("test box", (here,), 7499):
        assert ("test box", Address(here, 7499)) in machines_near(1.5)


def test_devices_lists_who_answers_and_who_was_paired_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    here = _multicast_address()
    Machines().remember(Machine("192.0.2.7:7420", "old box", "f" * 64, "", ""))
    with announced("test box", (here,), 7499):
        found = machines_nearby()
    assert NearMachine("test box", f"{here}:7499", answers=True, is_paired=False) in found
    assert NearMachine("old box", "192.0.2.7:7420", answers=False, is_paired=True) in found


def _multicast_address() -> str:
    here = "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton(here)
            )
        except OSError:
            pytest.skip("no multicast here")
    return here
