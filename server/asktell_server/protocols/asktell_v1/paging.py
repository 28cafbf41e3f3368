"""Page sizes, in items and in bytes, and page tokens (AIP-158)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.pace import in_pieces
from asktell_server.transport.calls import MIB

MAX_PAGE_SIZE = 1000

PAGE_BYTES = 8 * MIB
"""A page that has reached so many bytes takes no further item: the bytes of one answer are written without a pause."""

T = TypeVar("T")
M = TypeVar("M", bound=Message)


def page_size(requested: int, *, default: int) -> int:
    """The page size to use: 0 = default, more than 1,000 = 1,000. Raises InvalidArgument when negative."""
    if requested < 0:
        raise InvalidArgument("page_size", f"must be at least 0, got {requested}")
    return min(requested or default, MAX_PAGE_SIZE)


async def append_messages(items: Iterable[T], message: Callable[[T], M], to: MutableSequence[M]) -> None:
    """Appends the items' messages to an answer, in pieces."""
    await in_pieces(lambda item: to.append(message(item)), items)


async def fill_page(
    items: Sequence[T], message: Callable[[T], M], to: MutableSequence[M], *, most_bytes: int = PAGE_BYTES
) -> T | None:
    """Appends the items' messages to an answer, until it holds `most_bytes`.

    Returns the last item that was taken when others are left, else None.
    """

    def until_full() -> Iterator[T]:
        size = 0
        for item in items:
            if size >= most_bytes:
                return
            yield item
            size += to[-1].ByteSize()  # append_messages has appended the item's message

    await append_messages(until_full(), message, to)
    return items[len(to) - 1] if len(to) < len(items) else None


def query_digest(*parts: object) -> str:
    """A short digest of what a token belongs to: method, parent and filter."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def encode_token(position: str, *, query: str) -> str:
    """An opaque token for the page behind `position`."""
    return base64.urlsafe_b64encode(json.dumps([query, position]).encode()).decode()


def decode_token(token: str, *, query: str) -> str:
    """The position of a token. Raises InvalidArgument (INVALID_TOKEN) when it is none of this query."""
    try:
        parts = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != 2 or parts[0] != query or not isinstance(parts[1], str):
        raise _foreign_token()
    return parts[1]


def decode_number(token: str, *, query: str) -> int:
    """The position of a token of a list that goes by number. Raises InvalidArgument as `decode_token` does."""
    position = decode_token(token, query=query)
    if not (position.isascii() and position.isdecimal() and len(position) <= 16):
        raise _foreign_token()
    return int(position)


def _foreign_token() -> InvalidArgument:
    return InvalidArgument(
        "page_token", "is not a token of this call with these arguments", reason=ErrorReason.INVALID_TOKEN
    )
