"""Opens a ledger from a store URL."""

from __future__ import annotations

from asktell_server.store.cluster_link import ClusterLink
from asktell_server.store.link import Link, LinkOptions
from asktell_server.store.redis_ledger import RedisLedger
from asktell_server.store.single_link import SingleLink
from asktell_server.store.urls import Topology, parse_store_url


async def connect(
    url: str,
    *,
    password: str | None = None,
    wait_replicas: int = 0,
    verify_durability: bool = True,
    socket_timeout_s: float = 1.0,
    wait_timeout_s: float = 1.0,
) -> RedisLedger:
    """A checked ledger on the store at `url` (see `urls`).

    `password` is used when the URL has none. `wait_replicas`: a change is acknowledged only when this many replicas have
    it, and fails as Unavailable after `wait_timeout_s`. `verify_durability=False` skips the durability gate.

    Raises:
        ValueError: `url` is not a store URL.
        Unavailable: the store is away, or would not keep what it acknowledges.
    """
    options = LinkOptions(socket_timeout_s=socket_timeout_s, wait_replicas=wait_replicas, wait_timeout_s=wait_timeout_s)
    store = parse_store_url(url, password=password)
    link: Link = ClusterLink(store, options) if store.topology is Topology.CLUSTER else SingleLink(store, options)
    ledger = RedisLedger(link, verify_durability=verify_durability)
    try:
        await ledger.check()
    except BaseException:
        await ledger.close()
        raise
    return ledger
