"""What a study can offer, of views in all states that matter to an ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from asktell_server.domain.space import IntDomain, Parameter, SearchSpace
from asktell_server.domain.study import StoppingRules, StudyState
from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.service.ask.offer import FEW_RUNNING, RUNNING_PER_STALE, UNLIMITED, Offer
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import MAX_READY, Prepared, StalenessLimit, StudyHead
from tests.support.builders import NOW, a_running_trial, a_study, a_trial, ended_trial

FOUR = SearchSpace(parameters=(Parameter(name="n", domain=IntDomain(min=1, max=4)),))


def view_of(trials: Sequence[Trial], *, ready: Sequence[Prepared] = (), **changes: Any) -> StudyView:
    """A view of a study with these trials."""
    states = [trial.state for trial in trials]
    head = StudyHead(
        study=a_study(**changes),
        epoch="e",
        sequence=len(trials),
        last_number=max((trial.number for trial in trials), default=0),
        counts={state: states.count(state) for state in states},
        charged=sum(trial.counts_toward_budget for trial in trials),
    )
    view = StudyView(head)
    for trial in trials:
        view.put(trial)
    view.ready = ready
    return view


def running(count: int, **changes: Any) -> list[Trial]:
    """Running trials from number 1 on."""
    return [a_running_trial(number=number, **changes) for number in range(1, count + 1)]


def prepared(ready_id: str, *, ended: int = 0, known_number: int = 0, **parameters: Any) -> Prepared:
    """A prepared suggestion."""
    trial = a_trial(number=0, revision=0, **({"parameters": parameters} if parameters else {}))
    return Prepared(
        ready_id=ready_id, trial=trial, ended=ended, surprise=ended * WHOLE_SURPRISE, known_number=known_number
    )


@pytest.mark.parametrize(
    ("count", "most", "limit"),
    [
        (0, 3, StalenessLimit(ended=3)),
        (FEW_RUNNING - 1, None, StalenessLimit(ended=0)),
        (FEW_RUNNING, None, StalenessLimit(surprise=WHOLE_SURPRISE - 1)),
        (RUNNING_PER_STALE, None, StalenessLimit(surprise=2 * WHOLE_SURPRISE - 1)),
        (3 * RUNNING_PER_STALE, None, StalenessLimit(surprise=4 * WHOLE_SURPRISE - 1)),
    ],
)
def test_the_more_run_the_staler_a_suggestion_may_be(count: int, most: int | None, limit: StalenessLimit) -> None:
    offer = Offer.of(view_of(running(count), max_staleness=most))
    assert offer.limit == limit
    assert offer.depth == min(MAX_READY, limit.results + 1)


def test_fresh_and_stale_suggestions_are_told_apart() -> None:
    ready = [prepared(name, ended=ended, known_number=2) for ended, name in enumerate(("stale", "first", "second"))]
    view = view_of([ended_trial(1, 0.5), ended_trial(2, 0.5)], ready=ready, max_staleness=1)
    offer = Offer.of(view)
    assert [each.ready_id for each in offer.ready] == ["first", "second"]
    assert [each.ready_id for each in offer.stale] == ["stale"]


def test_a_suggestion_whose_configuration_somebody_has_taken_since_is_not_offered() -> None:
    trials = [
        a_running_trial(number=1, parameters={"n": 1}),
        ended_trial(2, 0.5, parameters={"n": 2}),
        ended_trial(3, 0.5, parameters={"n": 3}),
    ]
    ready = [
        prepared("runs", ended=2, known_number=1, n=1),
        prepared("was known", ended=2, known_number=2, n=2),
        prepared("came since", ended=2, known_number=2, n=3),
        prepared("new", ended=2, known_number=2, n=4),
    ]
    offer = Offer.of(view_of(trials, ready=ready, space=FOUR))
    assert [each.ready_id for each in offer.ready] == ["was known", "new"]
    assert not offer.stale
    repeated = Offer.of(view_of(trials, ready=ready, space=FOUR, replicates=2))
    assert len(repeated.ready) == 4, "the space has no room for four more: something is tried again"


def test_limits_of_a_study_without_any() -> None:
    offer = Offer.of(view_of([a_running_trial(number=1), a_trial(number=2), ended_trial(7, 0.5)]))
    assert (offer.open, offer.known_number) == (2, 7)
    assert offer.startable == offer.budget == offer.untried({}) == offer.unoccupied({}) == UNLIMITED
    assert offer.wants_another(1, {})
    assert not offer.wants_another(0, {})


def test_limits_count_down() -> None:
    trials = [a_running_trial(number=1), ended_trial(2, 0.5)]
    rules = StoppingRules(max_trials=3)
    offer = Offer.of(view_of(trials, space=FOUR, max_running_trials=5, stopping=rules))
    assert (offer.startable, offer.budget, offer.untried({}), offer.unoccupied({})) == (4, 1, 2, 3)
    assert offer.wants_another(MAX_READY, {})
    full = view_of(trials, space=FOUR, stopping=rules, ready=[prepared("r", ended=1, n=4)])
    assert not Offer.of(full).wants_another(MAX_READY, {})


@pytest.mark.parametrize(
    ("changes", "skips"),
    [
        ({}, True),
        ({"stopping": StoppingRules(max_trials=5)}, True),
        ({"stopping": StoppingRules(target_value=0.1)}, False),
        ({"stopping": StoppingRules(patience_trials=5)}, False),
        ({"stopping": StoppingRules(deadline=NOW)}, False),
        ({"state": StudyState.PAUSED}, False),
    ],
)
def test_rules_that_look_at_results_or_clocks_want_a_read(changes: dict[str, Any], skips: bool) -> None:
    assert Offer.of(view_of([], **changes)).can_skip_reading == skips


def test_it_stays_as_it_was_when_the_view_moves_on() -> None:
    view = view_of([a_running_trial(number=1)], space=FOUR)
    offer = Offer.of(view)
    view.put(a_trial(number=2, state=TrialState.QUEUED))
    assert (offer.untried({}), offer.unoccupied({})) == (3, 3)
    assert (Offer.of(view).untried({}), Offer.of(view).unoccupied({})) == (2, 2)
