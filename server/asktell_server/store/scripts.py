"""The Lua scripts: one file per change or read under `lua/`, called by the hash of their text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import msgpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script's text and the hash under which a server keeps it."""

    name: str
    text: str
    sha: str


@cache
def load(name: str) -> Script:
    """The script `lua/{name}.lua`, with `common.lua` behind its first line (the shebang must stay first)."""
    shebang, _, body = _read(name).partition("\n")
    text = f"{shebang}\n{_read('common')}\n{body}"
    return Script(name=name, text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def pack_arguments(arguments: Mapping[str, Any]) -> bytes:
    """Arguments as the one blob that scripts unpack. Lua's unpacker does not know MessagePack's bin types."""
    packed: bytes = msgpack.packb(arguments, use_bin_type=False)
    return packed


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
