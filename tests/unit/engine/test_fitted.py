"""Fitted hyperparameters by name: they say which parameters matter."""

from __future__ import annotations

import pytest

from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import BoolDomain, CategoricalDomain, Configuration, SearchSpace
from asktell_server.engine.bayes.fitted import fitted
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from tests.unit.engine.problems import BRANIN_SPACE, UNIT, problem_of, random_results, space_of, task_of

NUMBERS = space_of(idle=UNIT, busy=UNIT, lazy=UNIT)
CATEGORIES = space_of(
    idle=CategoricalDomain(values=tuple("klmnopqrstuvwxyz")), busy=CategoricalDomain(values=("a", "b", "c"))
)
BOTH = space_of(group=CategoricalDomain(values=("a", "b", "c")), busy=UNIT, flag=BoolDomain(), idle=UNIT)


def _busy(configuration: Configuration) -> float:
    busy = configuration["busy"]
    return {"a": 0.0, "b": 3.0, "c": -2.0}[busy] if isinstance(busy, str) else (7 * float(busy) - 3) ** 2 % 5


@pytest.mark.parametrize("space", [NUMBERS, CATEGORIES, BOTH], ids=["numbers", "categories", "both"])
def test_the_shortest_length_scale_is_of_the_parameter_that_matters(space: SearchSpace) -> None:
    problem = problem_of(space)
    result = task_of(problem, random_results(problem, _busy, count=40)).run()
    (fit,) = result.fits
    names = [parameter.name for parameter in space.parameters]
    assert len(fit.length_scales) == len(names)
    # Length scales of numbers and of categories do not compare.
    numbers = {
        name: scale for name, scale in zip(names, fit.length_scales, strict=True) if name not in ("group", "flag")
    }
    assert min(numbers, key=numbers.__getitem__) == "busy"
    assert len(fit.weights) == (3 if space is BOTH else 0)
    assert 0 < fit.noise < 0.5


def test_foreign_hyperparameters_say_nothing() -> None:
    problem = problem_of(NUMBERS)
    result = task_of(problem, random_results(problem, _busy, count=10)).run()
    assert fitted(result.warm_start, problem) == result.fits
    assert fitted(result.warm_start, problem_of(BRANIN_SPACE)) == ()
    assert fitted(b"", problem) == ()


def test_the_digest_changes_with_every_outcome_and_pending_trial() -> None:
    problem = problem_of(NUMBERS)
    here = {"idle": 0.1, "busy": 0.2, "lazy": 0.3}
    there = {"idle": 0.1, "busy": 0.2, "lazy": 0.4}

    def digest(*outcomes: tuple[Outcome, float | None, float | None], pending: tuple[Configuration, ...] = ()) -> bytes:
        seen = [
            Observation(
                parameters=here,
                outcome=outcome,
                metrics=(None if value is None else Metric(value=value, standard_error=error),),
            )
            for outcome, value, error in outcomes
        ]
        return History.of(problem.space, seen).digest(pending)

    digests = [
        digest(),
        digest(pending=(here,)),
        digest(pending=(there,)),
        digest((Outcome.VALUE, 1.0, None)),
        digest((Outcome.VALUE, 1.0, 0.0)),
        digest((Outcome.VALUE, 1.0, 0.1)),
        digest((Outcome.VALUE, 2.0, None)),
        digest((Outcome.FAILED, None, None)),
        digest((Outcome.INFEASIBLE, None, None)),
        digest((Outcome.FAILED, None, None), (Outcome.VALUE, 1.0, None)),
        digest((Outcome.VALUE, 1.0, None), (Outcome.FAILED, None, None)),
    ]
    assert len(set(digests)) == len(digests)
    assert digest((Outcome.VALUE, 1.0, None), pending=(here,)) == digest((Outcome.VALUE, 1.0, None), pending=(here,))
