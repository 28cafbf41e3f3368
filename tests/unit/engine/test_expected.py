"""Values that are expected of trials that were stopped: learnt with their uncertainty, and never taken for the best so far."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.metrics import Goal, Metric
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.pursuit import pursuit_of
from asktell_server.engine.bayes.targets import make_targets
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.tasks.assess import AssessTask
from tests.unit.engine.problems import UNIT, problem_of, space_of, task_of, valued

SPACE = space_of(x=UNIT)
PROBLEM = problem_of(SPACE)
REACHED = [valued({"x": place}, value) for place, value in ((0.0, 3.0), (0.4, 2.0), (0.7, 1.5), (1.0, 2.5))]


def expected(x: float, value: float, error: float) -> Observation:
    metric = Metric(value=value, standard_error=error)
    return Observation(parameters={"x": x}, outcome=Outcome.VALUE, metrics=(metric,), expected=True)


def test_the_best_so_far_was_reached() -> None:
    targets = make_targets(History.of(SPACE, [*REACHED, expected(0.8, 1.0, 0.2)]), Goal.MINIMIZE)

    assert targets.mean(targets.best) == pytest.approx(1.5)
    assert targets.reached.tolist() == [True] * 4 + [False]
    assert targets.noise[4] == pytest.approx((0.2 / targets.width) ** 2)


def test_where_all_were_stopped_the_best_is_one_of_them() -> None:
    stopped = [dataclasses.replace(each, expected=True) for each in REACHED]
    targets = make_targets(History.of(SPACE, stopped), Goal.MINIMIZE)

    assert targets.mean(targets.best) == pytest.approx(1.5)
    assert len(task_of(PROBLEM, stopped * 2).run().suggestions) == 1


def test_the_search_is_for_what_is_better_than_any_result() -> None:
    task = task_of(PROBLEM, [*REACHED, expected(0.8, -5.0, 0.01)])
    model = modelled(task)
    surrogates = model.surrogates
    certain = model.metrics[0].targets.standardised(-5.0)

    value = pursuit_of(task, model).acquisition.scores(surrogates.moments(model.region.encoding.encode_keys([(0.8,)])))

    assert certain < model.metrics[0].targets.best
    assert value[0] > -1.0  # nearly as good as certain to be better than 1.5


def test_the_less_certain_teaches_less() -> None:
    def believed(error: float) -> float:
        model = modelled(task_of(PROBLEM, [*REACHED, expected(0.72, 2.5, error)]))
        point = model.region.encoding.encode_keys([(0.71,)])
        return model.metrics[0].targets.mean(float(model.surrogates.moments(point)[0].mean[0]))

    assert believed(5.0) < believed(0.05)


def test_the_models_best_has_come_to_its_end() -> None:
    history = History.of(SPACE, [*REACHED, expected(0.8, 1.0, 0.2)])
    assessment = AssessTask(problem=PROBLEM, history=history).run()

    assert assessment.best == 2
    assert not assessment.noisy  # the errors of what is expected say nothing about those of results


def test_a_history_keeps_what_is_expected_apart() -> None:
    history = History.of(SPACE, [*REACHED, expected(0.8, 1.0, 0.2)])
    same = dataclasses.replace(history[4], expected=False)

    assert list(History.of(SPACE, history)) == list(history)
    assert History.of(SPACE, [*REACHED, same]) != history
    assert History.of(SPACE, [*REACHED, same]).digest() != history.digest()
