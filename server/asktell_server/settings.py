"""Settings of a server: frozen, each with its default and reason in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_LISTEN = "127.0.0.1:50051"

DURABILITY_CHECK_INTERVAL_S = 30.0
"""How often the store's durability is checked again (design: on connect and every 30 s)."""

DIRECTORY_CHECK_INTERVAL_S = 1.0
"""How often the embedded store's directory is looked at: so long may changes be acknowledged after it was deleted."""

MAX_CALLS = 2048
"""Calls in flight at once, at most half of them streams; more are refused with RESOURCE_EXHAUSTED. An idle call costs
about 20 kB."""

DRAIN_TIMEOUT_S = 20.0
"""How long a server that goes down waits for calls in flight: longer than a model takes, shorter than Kubernetes' 30 s."""

SUGGEST_TIMEOUT_S = 60.0
"""How long a worker may compute before it is replaced and the ask answered without the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `asktell-server serve` runs with.

    `http` is where HTTP/JSON is served as well; None = not at all. `http_hosts` are the names by which browsers and
    proxies may call it, besides loopback's. Exactly one of three stores: `store_url`, or `data_dir` (embedded; None = the
    user's data directory), or `stateless`. `token` comes from the environment alone, so that it never stands in a process
    list. `tls_client_ca`: callers must have a certificate of an authority in this file. `insecure`: other machines may reach a server that has no TLS or no token.
    """

    listen: str = DEFAULT_LISTEN
    http: str | None = None
    http_hosts: tuple[str, ...] = ()
    store_url: str | None = None
    store_password: str | None = None
    data_dir: Path | None = None
    stateless: bool = False
    wait_replicas: int = 0
    verify_durability: bool = True
    directory_check_interval_s: float = DIRECTORY_CHECK_INTERVAL_S
    workers: int = 1
    token: str | None = None
    tls_certificate: Path | None = None
    tls_private_key: Path | None = None
    tls_client_ca: Path | None = None
    ready_file: Path | None = None
    drain_timeout_s: float = DRAIN_TIMEOUT_S
    max_calls: int = MAX_CALLS
    insecure: bool = False


def default_workers() -> int:
    """One worker for each core but one, at least one: the server itself needs a core of its own."""
    return max(1, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 2) - 1)
