"""The history: columns that grow, shrink and travel, and snapshots that stay as they are."""

from __future__ import annotations

import math
import pickle
import struct
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import CategoricalDomain, Configuration, IntDomain, configuration_digest
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from tests.unit.engine.problems import UNIT, space_of, valued

SPACE = space_of(x=UNIT, n=IntDomain(min=0, max=3), name=CategoricalDomain(values=("a", "b")))

finite = st.floats(allow_nan=False, allow_infinity=False)
metrics = st.one_of(st.none(), st.builds(Metric, value=finite, standard_error=st.one_of(st.none(), finite.map(abs))))
observations = st.builds(
    Observation,
    parameters=st.fixed_dictionaries(
        {"x": st.sampled_from([0.0, 0.25, 1.0]), "n": st.integers(0, 3), "name": st.sampled_from("ab")}
    ),
    outcome=st.sampled_from(Outcome),
    metrics=st.tuples(metrics, metrics),
)


def _at(x: float) -> Configuration:
    return {"x": x, "n": 1, "name": "a"}


def _history(*values: float) -> History:
    return History.of(SPACE, [valued(_at(value), value) for value in values])


@given(st.lists(observations, max_size=8))
def test_observations_come_back_as_they_went_in(told: list[Observation]) -> None:
    history = History.of(SPACE, told, metrics=2)
    assert list(history) == told
    assert [history[place] for place in range(len(history))] == told
    assert list(pickle.loads(pickle.dumps(history))) == told
    assert pickle.loads(pickle.dumps(history)) == history
    assert [history.count(outcome) for outcome in Outcome] == [history.mask(outcome).sum() for outcome in Outcome]


@given(data=st.data(), is_indexed=st.booleans())
def test_any_order_of_changes_ends_at_the_same_history(data: st.DataObject, is_indexed: bool) -> None:
    expected: list[Observation] = []
    history = History(SPACE, metrics=2)
    for _ in range(data.draw(st.integers(0, 12))):
        if is_indexed:
            assert len(history.uses) <= len(history)
        shrinks: bool = data.draw(st.booleans())
        if expected and shrinks:
            place = data.draw(st.integers(0, len(expected) - 1))
            history.remove(place)
            del expected[place]
        else:
            place = data.draw(st.integers(0, len(expected)))
            one = data.draw(observations)
            history.insert(place, one)
            expected.insert(place, one)
    afresh = History.of(SPACE, expected, metrics=2)
    assert history == afresh
    assert history.digest() == afresh.digest()
    assert history.uses == afresh.uses
    assert set(history.uses) == set(history.keys)
    assert sum(history.uses.values()) == len(history)


def test_columns_hold_what_is_known() -> None:
    told = [
        Observation(
            parameters=_at(0.5),
            outcome=Outcome.VALUE,
            metrics=(Metric(value=1.0, standard_error=0.1), Metric(value=7.0)),
        ),
        Observation(parameters=_at(0.25), outcome=Outcome.FAILED),
        Observation(parameters=_at(0.0), outcome=Outcome.INFEASIBLE, metrics=(None, Metric(value=9.0))),
    ]
    history = History.of(SPACE, told, metrics=2)
    np.testing.assert_array_equal(history.values, [[1.0, 7.0], [math.nan, math.nan], [math.nan, 9.0]])
    np.testing.assert_array_equal(history.standard_errors, [[0.1, math.nan], [math.nan] * 2, [math.nan] * 2])
    assert history.keys == [(0.5, 1, "a"), (0.25, 1, "a"), (0.0, 1, "a")]
    assert history.mask(Outcome.FAILED).tolist() == [False, True, False]
    assert History(SPACE).values.shape == (0, 1)


def test_a_snapshot_stays_as_it_is_whatever_happens() -> None:
    history = _history(0.0, 0.25)
    before = history.snapshot()
    assert history.snapshot() is before, "nothing has changed"
    history.append(valued(_at(1.0), 3.0))
    between = history.snapshot()
    history.remove(0)
    between.append(valued(_at(0.75), 4.0))
    assert before.values.tolist() == [[0.0], [0.25]]
    assert between.values.tolist() == [[0.0], [0.25], [3.0], [4.0]]
    assert history.values.tolist() == [[0.25], [3.0]]
    assert [history.space.key(_at(0.0)) in each for each in (before, between, history)] == [True, True, False]


def test_nothing_is_copied_for_a_snapshot_that_is_no_longer_in_use() -> None:
    history = _history(0.0, 0.25)
    keys = history.keys
    assert history.snapshot().keys is keys
    history.append(valued(_at(1.0), 3.0))
    assert history.keys is keys
    kept = history.snapshot()
    history.append(valued(_at(0.5), 3.0))
    assert history.keys is not keys
    assert kept.keys is keys


def test_an_index_is_made_for_many_lookups_and_kept_up_to_date() -> None:
    history = _history(0.0, 0.25, 0.25)
    present, absent = history.space.key(_at(0.25)), history.space.key(_at(0.5))
    for _ in range(20):
        assert present in history.snapshot()
        assert absent not in history
    assert history.is_indexed
    assert history.snapshot().is_indexed
    history.remove(1)
    history.append(valued(_at(0.5), 1.0))
    assert history.is_indexed
    assert present in history
    assert absent in history
    history.remove(1)
    assert present not in history
    assert not pickle.loads(pickle.dumps(history)).is_indexed, "an index does not travel"


def _packed_by_hand(told: list[Observation], pending: list[Configuration]) -> bytes:
    """As servers have always done it: the digests in their ledgers must still be found."""
    hasher = blake2b(digest_size=8)
    for one in told:
        metric = one.metrics[0] if one.metrics else None
        value = math.nan if metric is None else metric.value
        error = math.nan if metric is None or metric.standard_error is None else metric.standard_error
        hasher.update(struct.pack("<Bdd", one.outcome.value, value, error))
    for configuration in pending:
        hasher.update(configuration_digest(configuration).encode())
    return hasher.digest()


@given(st.lists(observations, max_size=6), st.lists(st.sampled_from([_at(0.0), _at(0.5)]), max_size=2))
def test_the_digest_of_one_metric_is_the_one_of_earlier_servers(
    told: list[Observation], pending: list[Configuration]
) -> None:
    one_metric = [Observation(parameters=one.parameters, outcome=one.outcome, metrics=one.metrics[:1]) for one in told]
    assert History.of(SPACE, one_metric).digest(pending) == _packed_by_hand(one_metric, pending)


def test_digests_of_earlier_servers() -> None:
    told = [
        valued(_at(0.5), 1.5),
        valued(_at(0.5), -2.0, standard_error=0.25),
        *(Observation(parameters=_at(0.0), outcome=outcome) for outcome in (*Outcome,)[1:]),
    ]
    assert History.of(SPACE, told).digest([_at(1.0)]).hex() == "6e70689737208367"


@pytest.mark.parametrize("count", [1, 3])
def test_a_second_metric_changes_the_digest(count: int) -> None:
    one = Observation(parameters=_at(0.5), outcome=Outcome.VALUE, metrics=(Metric(value=1.0), Metric(value=2.0)))
    other = Observation(parameters=_at(0.5), outcome=Outcome.VALUE, metrics=(Metric(value=1.0), Metric(value=3.0)))
    assert (
        History.of(SPACE, [one] * count, metrics=2).digest() != History.of(SPACE, [other] * count, metrics=2).digest()
    )


def test_more_metrics_than_the_history_has_are_refused() -> None:
    history = _history(0.0)
    with pytest.raises(ValueError, match="2 metrics for a history of 1"):
        history.append(Observation(parameters=_at(0.5), outcome=Outcome.VALUE, metrics=(Metric(value=1.0),) * 2))
    assert history == _history(0.0)


def test_a_long_history_is_packed_in_steps_between_which_other_threads_run() -> None:
    """`pickle` has the interpreter to itself; only where it calls Python again can others go on."""
    history = _history(*(number / 10_000 for number in range(10_000)))
    _, _, blocks, _ = history.__getstate__()
    assert len(blocks) == 5
    assert pickle.loads(pickle.dumps(history)) == history
