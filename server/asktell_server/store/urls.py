"""Store URLs: the only place that parses them, and prints them without their password.

    redis://[[user]:password@]host[:port][/db]      one server (valkey:// is the same)
    rediss://...                                    with TLS (valkeys://)
    unix:///path/to/socket[?db=0]                   one server on this machine
    sentinel://host[:port],host[:port]/service[/db] the master that Sentinel names
    cluster://host[:port],host[:port]               a cluster; any of its nodes will do

Options after `?`: `tls=true` (sentinel, cluster), `tls_ca=FILE` (trust this authority), `sentinel_password=...`, `db=N`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

_REDIS_PORT = 6379
_SENTINEL_PORT = 26379
_OPTIONS = frozenset({"db", "tls", "tls_ca", "sentinel_password"})


class Topology(enum.Enum):
    """How the store is reached."""

    SINGLE = "redis"
    UNIX = "unix"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SCHEMES: Mapping[str, tuple[Topology, bool]] = {
    "redis": (Topology.SINGLE, False),
    "valkey": (Topology.SINGLE, False),
    "rediss": (Topology.SINGLE, True),
    "valkeys": (Topology.SINGLE, True),
    "unix": (Topology.UNIX, False),
    "sentinel": (Topology.SENTINEL, False),
    "cluster": (Topology.CLUSTER, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUrl:
    """A parsed store URL. Printing it shows no password."""

    topology: Topology
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: bool = False
    tls_ca: str | None = None

    def __str__(self) -> str:
        if self.topology is Topology.UNIX:
            return f"unix://{quote(self.path)}"
        scheme = "rediss" if self.tls and self.topology is Topology.SINGLE else self.topology.value
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{scheme}://{hosts}" + (f"/{self.service}" if self.service else "")


def parse_store_url(url: str, *, password: str | None = None) -> StoreUrl:
    """Parses a store URL; `password` is used when the URL has none.

    Raises:
        ValueError: it is not such a URL. The message never holds a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"store URL: the scheme must be one of {', '.join(_SCHEMES)}, got {parts.scheme[:20]!r}")
    topology, tls = _SCHEMES[parts.scheme]
    options = _options(parts)
    credentials, _, netloc = parts.netloc.rpartition("@")
    username, _, url_password = (unquote(part) for part in credentials.partition(":"))
    path = unquote(parts.path)
    database = options.get("db", "0")
    hosts: tuple[tuple[str, int], ...] = ()
    service = ""
    if topology is Topology.UNIX:
        if not path:
            raise ValueError("store URL: unix:// needs the path of a socket, such as unix:///run/valkey.sock")
    else:
        port = _SENTINEL_PORT if topology is Topology.SENTINEL else _REDIS_PORT
        hosts = tuple(_host(text, port) for text in netloc.split(","))
        segments = [segment for segment in path.split("/") if segment]
        if topology is Topology.SENTINEL:
            if not segments:
                raise ValueError("store URL: sentinel:// needs the service's name, such as sentinel://host:26379/main")
            service = segments.pop(0)
        if segments:
            database = segments.pop(0)
        if segments:
            raise ValueError(f"store URL: nothing may follow /{database}")
        if topology is Topology.SINGLE and len(hosts) > 1:
            raise ValueError(f"store URL: {parts.scheme}:// takes one host; several mean sentinel:// or cluster://")
    if not database.isdecimal() or (topology is Topology.CLUSTER and int(database) != 0):
        raise ValueError(f"store URL: the database must be a number (0 on a cluster), got {database[:20]!r}")
    return StoreUrl(
        topology=topology,
        hosts=hosts,
        path=path if topology is Topology.UNIX else "",
        service=service,
        username=username or None,
        password=url_password or password or None,
        sentinel_password=options.get("sentinel_password"),
        database=int(database),
        tls=tls or options.get("tls", "false").lower() in ("true", "yes", "1"),
        tls_ca=options.get("tls_ca"),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in options:
        if key not in _OPTIONS:
            raise ValueError(f"store URL: unknown option {key[:40]!r}; there are {', '.join(sorted(_OPTIONS))}")
    return options


def _host(text: str, default_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default_port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"store URL: hosts must be host or host:port, got {text[:80]!r}")
    return host, int(port)
