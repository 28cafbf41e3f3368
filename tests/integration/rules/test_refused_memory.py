"""Refused calls of the largest size leave nothing in memory (`python -m benchmarks.refused` makes 10,000 of each)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.refused import BODY, MIB, TOKEN, measure, refuse_over_grpc, refuse_over_http, start
from tests.support.server import ServerProcess

CALLS = 20
"""With each token."""
BODIES = 3
"""So many bodies of the largest size the allocators may keep, whatever the number of calls, beyond what the first ones left."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, str]]:
    server, http = start(tmp_path_factory.mktemp("refused"))
    with server:
        yield server, http


@pytest.mark.parametrize("door", ["gRPC", "HTTP"])
def test_memory_stays_flat(doors: tuple[ServerProcess, str], door: str) -> None:
    server, http = doors

    def refuse() -> None:
        for token in ("wrong", TOKEN):
            if door == "gRPC":
                refuse_over_grpc(server.address, token=token)
            else:
                refuse_over_http(http, token=token)

    measure(server, refuse, CALLS)  # bodies that are read before they are refused fill what the allocators keep, once
    seen = measure(server, refuse, CALLS)
    assert seen[-1] - seen[0] < BODIES * len(BODY) / MIB, seen
