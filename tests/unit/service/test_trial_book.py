"""Trials as objects and on shelves."""

from __future__ import annotations

import dataclasses
import zlib

import pytest

from asktell_server.domain.trial import Trial, TrialState
from asktell_server.service import trial_book
from asktell_server.service.trial_book import Shelf, TrialBook, shelved
from tests.support.ledger import queued, running, told


def _trials() -> dict[int, Trial | Shelf]:
    """Trials 1, 3, 5, … 99 that have ended, and 101, which is queued."""
    ended = [told(running(number / 100), float(number)) for number in range(50)]
    return {
        2 * index + 1: dataclasses.replace(trial, number=2 * index + 1, revision=index + 2)
        for index, trial in enumerate([*ended, queued(0.5)])
    }


def test_trials_come_back_from_shelves_of_a_limited_size(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = _trials()
    assert len(shelved(trials)) == 1
    monkeypatch.setattr(trial_book, "SHELF_BYTES", 1000)
    shelves = [shelf for shelf, _ in shelved(trials)]
    assert 5 < len(shelves) < len(trials)
    assert {number: shelf.trial(number) for shelf in shelves for number in shelf.numbers} == trials


def test_a_shelf_is_opened_by_a_look_at_a_trial_and_not_at_its_version() -> None:
    closed = Shelf([4, 7], [2, 5], ["SUCCEEDED", "QUEUED"], b"damaged")
    assert closed.version(7) == (5, TrialState.QUEUED)
    with pytest.raises(zlib.error):
        closed.trial(7)


def test_what_is_open_or_has_changed_is_put_on_no_shelf() -> None:
    book, known = TrialBook(), _trials()
    book.update(known)
    changed = dataclasses.replace(book[3], labels={"a": "b"}, revision=99)
    book.put(changed)
    book.pop(5)
    shelves = [shelf for shelf, _ in shelved(known)]
    book.replace(known, shelves)
    kept = book.entries(1, 101)
    assert {number for number, each in kept.items() if isinstance(each, Trial)} == {3, 101}
    assert book[3] == changed
    assert book[1] == known[1]
    assert 5 not in book
    again = [shelf for shelf, _ in shelved(kept)]
    assert {number: shelf.trial(number) for shelf in again for number in shelf.numbers} == dict(book)
