"""What a new study takes over from earlier ones, and that it stays so whatever becomes of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from asktell_server.domain.algorithm import Auto, Bayesian, Grid, Manual
from asktell_server.domain.comparing import WantedStudy
from asktell_server.domain.errors import AlreadyExists, InvalidArgument
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.metrics import Metric
from asktell_server.domain.names import StudyName
from asktell_server.domain.parents import MAX_RESULTS, ParentStudy
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)
from asktell_server.domain.study import StoppingRules, Study
from asktell_server.domain.trial import Origin, Result, TrialState
from asktell_server.domain.warning import WarningKind
from asktell_server.explanation import as_text
from asktell_server.service.intake import PastTrial
from asktell_server.service.studies import Created
from asktell_server.store.codec import decode_study, encode_study
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME, a_space, a_study, failure
from tests.unit.service.conftest import HandClock, Services
from tests.unit.service.test_explaining import Here

CHILD = StudyName(project=NAME.project, study_id="child")
CONFIGURATIONS = [{"lr": index / 20, "layers": 1 + index % 8, "bias": index % 2 == 0} for index in range(20)]


@pytest.fixture
def services(clock: HandClock) -> Services:
    """One server on an empty store; the engine in this process, models included."""
    return Services(MemoryLedger(clock), clock, Here())


async def _parent(services: Services, configurations: Any = CONFIGURATIONS, **changes: Any) -> None:
    """The study `example` with results: the nearer `lr` to 0.3, the better; every tenth failed."""
    await services.create(**{"algorithm": Manual(), **changes})
    results = [
        failure()
        if index % 10 == 9
        else Result(
            state=TrialState.SUCCEEDED,
            metrics={"loss": Metric(value=(one["lr"] - 0.3) ** 2), "accuracy": Metric(value=one["lr"])},
        )
        for index, one in enumerate(configurations)
    ]
    trials = [
        PastTrial(import_key=str(index), parameters=one, result=result)
        for index, (one, result) in enumerate(zip(configurations, results, strict=True))
    ]
    await services.intake.import_(NAME, trials, request=None)


async def _child(services: Services, *, exist_ok: bool = False, **changes: Any) -> Created:
    study = a_study(**{"name": CHILD, "parents": (ParentStudy(name="example"),), **changes})
    return await services.studies.create(WantedStudy(study=study), exist_ok=exist_ok, request=None)


def _only(study: Study) -> ParentStudy:
    (parent,) = study.parents
    return parent


async def test_a_study_in_the_same_space_takes_everything_over(services: Services) -> None:
    await _parent(services)
    created = await _child(services)
    parent = _only(created.head.study)
    assert [past.parameters for past in parent.results] == CONFIGURATIONS
    assert [past.result.state.value for past in parent.results].count("FAILED") == 2
    assert parent.results[0].result.metrics.keys() == {"loss"}, "no other metric is of use"
    assert (parent.found, parent.outside, parent.lacking, parent.unused) == (20, 0, (), ())
    assert not created.warnings


async def test_the_first_suggestion_is_informed_and_can_be_made_again_without_the_parent(services: Services) -> None:
    await _parent(services)
    await _child(services)
    (first,) = await services.asking.ask(CHILD, count=1, worker_id="w", request=None)
    assert first.trial.origin is Origin.MODEL
    assert abs(float(first.trial.parameters["lr"]) - 0.3) < 0.1
    await services.studies.delete(NAME, etag="", request=None)
    (second,) = await Services(services.ledger, services.clock, Here()).asking.ask(
        CHILD, count=1, worker_id="w", request=None
    )
    assert second.trial.origin is Origin.MODEL
    for record in (first, second):
        explanation = await services.use_cases.explaining.explain(CHILD.trial(record.trial.number), repeat=True)
        assert explanation.repetition is not None
        assert not list(explanation.repetition.differences(record.trial))
        assert "parents         example (20 results)\n" in as_text(explanation)


async def test_later_changes_of_a_parent_change_nothing(services: Services) -> None:
    await _parent(services)
    before = (await _child(services)).head.study.parents
    await services.trials.amend(
        NAME.trial(1), Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=9.0)}), reason="r", request=None
    )
    assert (await services.studies.get(CHILD)).study.parents == before
    assert (await _child(services, exist_ok=True)).head.study.parents == before


async def test_it_is_opened_after_its_parent_is_gone(services: Services) -> None:
    await _parent(services)
    created = await _child(services)
    await services.studies.delete(NAME, etag="", request=None)
    assert (await _child(services, exist_ok=True)).head.study == created.head.study
    with pytest.raises(AlreadyExists, match="another parents"):
        await _child(services, exist_ok=True, parents=())


def _spaced(*parameters: Parameter, constraints: tuple[str, ...] = ()) -> SearchSpace:
    space = SearchSpace(
        parameters=parameters,
        parameter_constraints=tuple(read_constraint(each, field="space") for each in constraints),
    )
    space.validate("space")
    return space


async def test_another_space(services: Services) -> None:
    await _parent(services)
    space = _spaced(
        Parameter(name="lr", domain=FloatDomain(min=0.2, max=0.6, step=0.1)),
        Parameter(name="layers", domain=FloatDomain(min=1.0, max=8.0)),
        Parameter(name="width", domain=IntDomain(min=1, max=9), default=4),
        Parameter(name="kind", domain=CategoricalDomain(values=("a", "b"))),
        Parameter(
            name="heads", domain=DiscreteDomain(values=(2, 4, 8)), condition=Condition(parent="kind", values=("a",))
        ),
        Parameter(name="gate", domain=BoolDomain(), condition=Condition(parent="kind", values=("b",))),
    )
    created = await _child(services, space=space)
    parent = _only(created.head.study)
    assert (parent.found, parent.outside, len(parent.results)) == (20, 11, 9)
    assert parent.results[0].parameters == {"lr": 0.2, "layers": 5.0, "width": 4, "kind": "a", "heads": 4}
    assert parent.results[1].parameters["lr"] == pytest.approx(0.2), "0.25 lies between two steps"
    assert (parent.lacking, parent.unused) == (("width", "kind", "heads", "gate"), ("bias",))
    assert [warning.kind for warning in created.warnings] == [WarningKind.PARENT_DIFFERS] * 3
    assert [warning.message for warning in created.warnings] == [
        "example has no parameter width, kind, heads, gate: its results count as if found at the default, or else the middle",
        "example has a parameter bias that this study lacks: its values there make no difference",
        "example has 11 of 20 results with values that this space does not have: they teach nothing",
    ]


async def test_what_breaks_a_constraint_has_no_counterpart(services: Services) -> None:
    await _parent(services)
    space = dataclasses.replace(
        a_space(), parameter_constraints=(read_constraint("lr + 0.1*layers <= 0.5", field="space"),)
    )
    parent = _only((await _child(services, space=space)).head.study)
    assert 0 < len(parent.results) == parent.found - parent.outside < 20


async def test_of_many_results_the_best_half_and_some_others_are_taken(services: Services) -> None:
    many = [{"lr": index / 1000, "layers": 1 + index % 8, "bias": True} for index in range(600)]
    await _parent(services, many)
    results = _only((await _child(services)).head.study).results
    assert len(results) == MAX_RESULTS
    near = [past for past in results if abs(float(past.parameters["lr"]) - 0.3) < 0.035]
    assert len(near) >= MAX_RESULTS // 2
    assert float(results[0].parameters["lr"]) < 0.05
    assert float(results[-1].parameters["lr"]) > 0.55


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": Grid()}, "the algorithm learns from no results"),
        (
            {"space": _spaced(Parameter(name="lr", domain=FloatDomain(min=5.0, max=6.0)))},
            "none of the 20 results of example",
        ),
    ],
)
async def test_a_parent_that_teaches_nothing_is_warned_of(services: Services, changes: Any, message: str) -> None:
    await _parent(services)
    created = await _child(services, **{"stopping": StoppingRules(max_trials=100), **changes})
    (warning,) = (each for each in created.warnings if each.kind is WarningKind.PARENT_UNUSED)
    assert message in warning.message
    assert (await services.asking.ask(CHILD, count=1, worker_id="w", request=None))[0].trial.number == 1


async def test_a_parent_without_results_is_warned_of(services: Services) -> None:
    await services.create()
    (warning,) = (await _child(services)).warnings
    assert "has no results with the study's metrics yet" in warning.message


@pytest.mark.parametrize(
    ("parents", "field", "message"),
    [
        (["example", "nope"], "study.parents[1]", "there is no study projects/default/studies/nope"),
        (["example", "example"], "study.parents[1]", "must be different from the others"),
        (["child"], "study.parents[0]", "must be another study"),
        ([f"s{index}" for index in range(9)], "study.parents", "must hold at most 8 studies, got 9"),
    ],
)
async def test_wrong_parents_are_refused(services: Services, parents: list[str], field: str, message: str) -> None:
    await _parent(services)
    with pytest.raises(InvalidArgument, match=message) as caught:
        await _child(services, parents=tuple(ParentStudy(name=name) for name in parents))
    assert caught.value.metadata["field"] == field
    with pytest.raises(InvalidArgument, match=message):
        await services.studies.check(
            WantedStudy(study=a_study(name=CHILD, parents=tuple(ParentStudy(name=name) for name in parents)))
        )


async def test_a_parent_must_measure_what_the_study_is_about(services: Services) -> None:
    await _parent(services)
    goals = dataclasses.replace(a_study().goals, cost_metric="seconds")
    assert (await _child(services, goals=goals)).head.study.parents, "a cost is optional"
    (objective,) = a_study().goals.objectives
    goals = dataclasses.replace(goals, objectives=(objective, dataclasses.replace(objective, metric="ms")))
    with pytest.raises(InvalidArgument, match="example does not measure ms"):
        await _child(services, goals=goals, name=dataclasses.replace(CHILD, study_id="other"))


async def test_what_was_taken_over_is_stored_to_the_last_bit(services: Services) -> None:
    await _parent(services)
    study = (await _child(services, algorithm=Bayesian(start_trials=3))).head.study
    stored = encode_study(study)
    assert decode_study(stored, revision=study.revision) == study
    assert len(stored) < len(encode_study(dataclasses.replace(study, parents=()))) + 100 * len(CONFIGURATIONS)
    assert encode_study(dataclasses.replace(study, parents=(), algorithm=Auto()))[0] == 1, "others stay readable"
