"""This computer's addresses in local networks, asked of the system and of nobody else."""

import ipaddress
import socket

import psutil


def local_addresses() -> tuple[str, ...]:
    """Give the private ones, IPv4, without those of containers on this computer."""
    found = [
        one.address
        for name, several in psutil.net_if_addrs().items()
        for one in several
        if one.family == socket.AF_INET and not name.startswith(("docker", "br-", "veth"))
    ]
    return tuple(text for text in found if _is_local(text))


def _is_local(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address.is_private and not address.is_loopback and not address.is_link_local
