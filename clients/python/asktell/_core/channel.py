"""Channel targets, options and credentials, the same for both clients."""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TypeAlias

import grpc

from asktell._core.settings import DEFAULT_ADDRESS, Settings, split_address

CLOSED = "this client is closed, and its studies and trials with it: make another one"

Options: TypeAlias = list[tuple[str, str | int]]

WAIT_HINT = "(ASKTELL_WAIT=60 waits so many seconds for it)"
"""What a program can do while its server is not there yet; a command has a flag instead."""
_SERVICE_CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


def target(settings: Settings) -> str:
    """The gRPC target: one name is left to gRPC's resolver, several addresses are resolved here, once.

    Raises:
        OSError: a host of several is unknown.
    """
    if len(settings.addresses) == 1:
        return f"dns:///{settings.addresses[0]}"
    resolved = [_resolve(*split_address(address)) for address in settings.addresses]
    if all(ip.version == 4 for ip, _ in resolved):
        return "ipv4:" + ",".join(f"{ip}:{port}" for ip, port in resolved)
    return "ipv6:" + ",".join(f"[{_as_v6(ip)}]:{port}" for ip, port in resolved)


_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def _resolve(host: str, port: int) -> tuple[_Address, int]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found.sort(key=lambda info: info[0] != socket.AF_INET)  # localhost is often both, and servers listen on IPv4
    return ipaddress.ip_address(found[0][4][0]), port


def _as_v6(ip: _Address) -> str:
    return f"::ffff:{ip}" if ip.version == 4 else str(ip)  # one target holds one family


def options(settings: Settings) -> Options:
    """Channel options: balancing, keepalive, quick reconnects; no retries of gRPC's own, `_flow.call` has them."""
    chosen: Options = [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.enable_retries", 0),
        ("grpc.keepalive_time_ms", 30_000),  # a shorter one gets ENHANCE_YOUR_CALM from a server
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),  # gRPC's default, two minutes, would outlast a restart by far
        ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ]
    if len(settings.addresses) > 1:
        # Without a name of their own, the list of addresses would become the TLS name.
        host, _ = split_address(settings.addresses[0])
        chosen.append(("grpc.default_authority", host))
        if settings.tls:
            chosen.append(("grpc.ssl_target_name_override", host))
    return chosen


def credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    """TLS credentials; None = plain text."""
    if not settings.tls:
        return None
    certificate, key = settings.client_certificate or (None, None)
    return grpc.ssl_channel_credentials(settings.root_certificates, private_key=key, certificate_chain=certificate)


def metadata(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What goes with every call."""
    return (("authorization", f"Bearer {settings.token}"),) if settings.token else ()


def unreachable(settings: Settings) -> str:
    """What to tell a person when no server answers."""
    how = ", with TLS and a certificate that is trusted here" if settings.tls else ""
    return f"no server answers at {settings.address}: is asktell-server running there{how}?"


def refused(settings: Settings) -> bool:
    """Every address is a port of this machine that refuses connections. Blocks for a second at most, on a firewall."""
    return all(_refuses(*split_address(address)) for address in settings.addresses)


def _refuses(host: str, port: int) -> bool:
    if host != "localhost" and not _is_loopback(host):
        return False
    try:
        socket.create_connection((host, port), timeout=1.0, all_errors=True).close()
    except ExceptionGroup as failures:  # localhost is often two addresses, one of which the machine may not have
        return any(isinstance(error, ConnectionRefusedError) for error in failures.exceptions)
    except OSError:
        return False
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def nothing_listens(settings: Settings) -> str:
    """What to tell a person whose server is not started."""
    started = "" if settings.address == DEFAULT_ADDRESS else f" --listen {settings.addresses[0]}"
    return (
        f"no server answers at {settings.address}: nothing listens there; start one: asktell-server serve{started} "
        f"{WAIT_HINT}"
    )
