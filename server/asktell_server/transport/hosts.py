"""Which requests a browser may have been talked into, and are refused for it.

A page on the web can have its own name resolve to an address of this machine (DNS rebinding) and then call the server from
a browser here as if it were the page's own. Such a request carries the page's name in `Host`. And a page can send some
requests to any server, though not read the answers; those carry its origin in `Origin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from asktell_server.transport.addresses import HTTP_HOST_FLAG, host_of, is_ip_address, is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """By which hosts the HTTP door may be called.

    `names` are allowed, in lower case and without port, and so are loopback's and every IP address: rebinding needs a
    name. `any_name`: all others are as well.
    """

    names: frozenset[str]
    any_name: bool

    def takes(self, host: str) -> bool:
        """Whether a request to this host is answered."""
        return self.any_name or is_ip_address(host) or self.takes_pages_of(host)

    def takes_pages_of(self, host: str) -> bool:
        """Whether pages of this host may call the server from a browser. An IP address alone makes no page trusted."""
        return is_loopback(host) or host in self.names


def hosts_of(address: str, names: Sequence[str], *, has_token: bool) -> Hosts:
    """The hosts of a server that listens on `address`, `host:port`.

    One that others reach by a name of which it need not know is protected by its token, which no page has. Where names
    are given, they are meant.
    """
    return Hosts(
        names=frozenset(name.lower() for name in names),
        any_name=has_token and not names and not is_loopback(host_of(address)),
    )


class HostCheck:
    """An ASGI application that answers a request for another one, or refuses it: 421 for its host, 403 for its origin."""

    def __init__(self, application: ASGIApp, hosts: Hosts) -> None:
        self._application = application
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._application)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        hosts = _values(scope, b"host")
        for host in hosts:
            name = _name(f"//{host}")
            if name is None or not self._hosts.takes(name):
                return _refused(421, f"this server is not called {host or 'nothing'}", name)
        for origin in _values(scope, b"origin"):
            name = _name(origin)
            if name is None or not (_same_origin(origin, hosts) or self._hosts.takes_pages_of(name)):
                return _refused(403, f"pages of {origin or 'nowhere'} may not call this server", name)
        return None


def _refused(status: int, why: str, name: str | None) -> JSONResponse:
    mended = f"; {HTTP_HOST_FLAG} {name} allows it" if name and not is_ip_address(name) else ""
    return JSONResponse({"code": "permission_denied", "message": why + mended}, status_code=status)


def _values(scope: Scope, key: bytes) -> list[str]:
    # Of a program that sends no Host nothing is to be feared: browsers do.
    return [value.decode("latin-1") for name, value in scope["headers"] if name == key]


def _name(url: str) -> str | None:
    """The host of a URL, in lower case and without port; None when it has none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no number
        return parts.hostname or None
    except ValueError:
        return None


def _same_origin(origin: str, hosts: Sequence[str]) -> bool:
    """Whether a page of this very server calls it. A proxy may have taken TLS off, so that the scheme says nothing."""
    return urlsplit(origin).netloc.lower() in {host.lower() for host in hosts}
