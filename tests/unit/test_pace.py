"""Long work of the loop in pieces."""

from __future__ import annotations

from itertools import count

from asktell_server.pace import PIECE_S, in_pieces
from tests.support.turns import turns_of


async def test_others_run_in_between() -> None:
    done: list[int] = []
    a_third_of_a_piece = count(0, PIECE_S / 2.9)
    turns = await turns_of(in_pieces(done.append, range(20), clock=a_third_of_a_piece.__next__))
    assert done == list(range(20))
    assert turns == 6


async def test_a_few_items_are_done_at_once() -> None:
    assert await turns_of(in_pieces(str, [1, 2], clock=count(0, PIECE_S / 3).__next__)) == 0


async def test_results_are_in_the_order_of_the_items() -> None:
    assert await in_pieces(str, [3, 1, 2], clock=count().__next__) == ["3", "1", "2"]
