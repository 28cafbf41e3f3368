"""Addresses that a server listens on: which of them other machines can reach."""

from __future__ import annotations

import ipaddress
import socket

HTTP_HOST_FLAG = "--http-host"
"""Allows the HTTP door another name; messages give it."""


def host_of(address: str) -> str:
    """The host of `host:port`, in lower case, an IPv6 address without its brackets."""
    return address.rpartition(":")[0].strip("[]").lower()


def listener(address: str) -> socket.socket:
    """A socket that listens on `host:port` (port 0 = any free one), on IPv6 where the host is written so.

    Raises:
        OSError: the address cannot be bound.
    """
    host, port = host_of(address), int(address.rpartition(":")[2])
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def is_ip_address(host: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address and not a name."""
    return _ip_address(host) is not None


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a host: 127.0.0.0/8, ::1 and localhost.

    Any other name is taken for one that others reach, whatever it resolves to today; so are the addresses that stand for
    all of the machine's, 0.0.0.0 and ::.
    """
    address = _ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return host.lower() == "localhost" if address is None else address.is_loopback


def caller_of(peer: str) -> str:
    """The machine of a caller that is connected from `host:port`; "" for this very machine.

    What is on this machine is not told apart: among it are proxies, through which everybody comes.
    """
    host = host_of(peer)
    return "" if is_loopback(host) else host


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
