"""How the driver's errors become the domain's: what it says goes to the log, never to a client."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    ClusterDownError,
    DataError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)

from asktell_server.domain.errors import ErrorReason, Unavailable

_log = logging.getLogger(__name__)

_REFUSALS = (AskError, ClusterDownError, NoPermissionError, OutOfMemoryError, ReadOnlyError, TryAgainError)
_REFUSAL_CODES = ("MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED")  # the driver has no class for these


def store_unavailable(message: str = "the store is not available; try again") -> Unavailable:
    """The error for a store that is away or does not keep what it is given."""
    return Unavailable(message, reason=ErrorReason.STORE_UNAVAILABLE, retry_after_s=1.0)


@contextmanager
def translated(what: str, store: str) -> Iterator[None]:
    """Turns the driver's errors into Unavailable, and those that can only be our mistake into RuntimeError.

    `store` is the store's URL without its secrets.
    """
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        if _is_our_mistake(error):
            _log.exception("the store %s refused %s", store, what)
            raise RuntimeError(f"the store refused {what}") from error
        _log.warning("store %s unavailable in %s: %s: %s", store, what, type(error).__name__, _words(error))
        raise store_unavailable(f"the store {store} is not available; try again") from error


def _words(error: Exception) -> str:
    """What an error says, without the insides of the driver that Sentinel's adds."""
    return str(error).partition(" : <")[0]


def _is_our_mistake(error: Exception) -> bool:
    """The store did not say that it is in trouble, but that the command makes no sense to it."""
    if isinstance(error, ResponseError):
        return not isinstance(error, _REFUSALS) and not str(error).startswith(_REFUSAL_CODES)
    return isinstance(error, DataError)
