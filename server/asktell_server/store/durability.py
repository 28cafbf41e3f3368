"""The durability gate: a store that may lose what it acknowledged is refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from asktell_server.store.driver import store_unavailable
from asktell_server.store.link import Node

_log = logging.getLogger(__name__)

_REQUIRED: Mapping[str, tuple[str, str]] = {
    "appendonly": ("yes", "without an append-only file a crash loses everything"),
    "appendfsync": ("always", "a crash loses up to a second or more of acknowledged results"),
    "maxmemory-policy": ("noeviction", "a full store would silently drop trials"),
}
_OVERRIDE = "(--unverified-durability serves without this check)"


async def require_durable(masters: Mapping[str, Node]) -> None:
    """Checks that every server keeps what it acknowledges.

    Raises:
        Unavailable: one does not; the message names the setting, its value and the command that mends it.
    """
    for address, node in masters.items():
        problem = await _problem(node)
        if problem is not None:
            message = f"the store at {address} does not keep what it acknowledges: {problem} {_OVERRIDE}"
            _log.error("%s", message)
            raise store_unavailable(message)


async def _problem(node: Node) -> str | None:
    role = (await node.execute_command("ROLE"))[0]
    if role not in (b"master", "master"):
        return f"its role is {_text(role)}, not master; connect to the master, or through sentinel:// or cluster://."
    settings: dict[str, str] = {}
    try:
        for setting in _REQUIRED:
            reply = await node.execute_command("CONFIG GET", setting)
            settings.update({_text(key): _text(value) for key, value in reply.items()})
        persistence = await node.execute_command("INFO", "persistence")
    except (NoPermissionError, ResponseError) as error:
        _log.warning("the store refused CONFIG GET: %s", error)
        return (
            "it does not allow CONFIG GET (a managed service, or an ACL), so its settings cannot be read. Make sure of "
            + ", ".join(f"{setting} {value}" for setting, (value, _) in _REQUIRED.items())
            + " and start with --unverified-durability."
        )
    for setting, (required, why) in _REQUIRED.items():
        present = settings.get(setting, "unknown")
        if present != required:
            return f"{setting} is {present} ({why}). Mend it with: CONFIG SET {setting} {required}"
    if persistence.get("aof_last_write_status", "ok") != "ok":
        return "its last write to the append-only file failed (aof_last_write_status). See its log; is the disk full?"
    return None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
