"""Samplers of spaces with a fidelity."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from asktell_server.domain.fidelity import target_of
from asktell_server.domain.space import Configuration, ParameterValue, SearchSpace
from asktell_server.domain.trial import Origin
from asktell_server.engine.novelty import room
from asktell_server.engine.problem import StudyTask, Suggestion, SuggestResult
from asktell_server.engine.promotions import Courses, Promotion, Values
from asktell_server.engine.samplers.protocol import Sampler

log = logging.getLogger(__name__)

_GOLDEN = 0.6180339887498949
"""Multiples of it modulo 1 lie evenly, however many there are."""


class AtTarget:
    """A sampler without a model, whose suggestions run the whole, unless the ask fixes the fidelity."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """As the sampler."""
        return self._sampler.needs_model(_at_target(task), count)

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """As the sampler."""
        return self._sampler.suggest(_at_target(task), count)


class MultiFidelity:
    """Promotions first, then new configurations, which a sampler chooses for the target and which begin at a lower fidelity.

    That is Hyperband with a model (BOHB, Falkner et al. 2018), asynchronous, with the sampler's model over configurations and
    fidelity in place of one for each level. The same model says which are the best at the target, and so go on. An ask that fixes the fidelity gets what the sampler suggests there.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """See Sampler."""
        if _is_fixed(task):
            return self._sampler.needs_model(task, count)
        if self._has_model(task) and _at_target(task).region.count is None:
            return True  # there is always something new
        plan = _Plan.of(task, count)
        if self._has_model(task):
            return plan.new > 0 or plan.any_can
        return plan.new > 0 and self._sampler.needs_model(plan.task, plan.new)

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """See Sampler."""
        if _is_fixed(task):
            return self._sampler.suggest(task, count)
        values = None
        if self._has_model(task):
            values, warm_start = _believed(task)
            task = dataclasses.replace(task, warm_start=warm_start)
        plan = _Plan.of(task, count, values)
        promoted = tuple(
            Suggestion(parameters=one.parameters, origin=Origin.PROMOTION, continues=one.continues)
            for one in plan.promotions
        )
        if not plan.new:
            return SuggestResult(suggestions=promoted, warm_start=task.warm_start)
        result = self._sampler.suggest(plan.task, plan.new)
        return dataclasses.replace(result, suggestions=(*promoted, *begun(plan.task, result.suggestions)))

    def _has_model(self, task: StudyTask) -> bool:
        # Of the study's own results: earlier ones say nothing of what it has tried.
        return self._sampler.needs_model(dataclasses.replace(task, earlier=()), 1)


def _believed(task: StudyTask) -> tuple[Values | None, bytes]:
    """What the model believes of all that has been tried, at the target, and where its next fit begins; None where it fails."""
    try:
        # Imported here: the server's own process answers what takes no model and must stay free of torch.
        from asktell_server.engine.bayes.moved import moved_values

        return moved_values(_at_target(task))
    except Exception:
        log.warning("the model failed; promotions go by what was observed", exc_info=True)
        return None, task.warm_start


def begun(task: StudyTask, suggestions: Sequence[Suggestion]) -> tuple[Suggestion, ...]:
    """New configurations at the fidelities at which they begin."""
    parameter = task.problem.space.fidelity
    assert parameter is not None, "a task says where to begin only of a space with a fidelity"
    return tuple(
        dataclasses.replace(suggestion, parameters={**suggestion.parameters, parameter.name: level})
        for suggestion, level in zip(suggestions, task.begin_at, strict=False)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an ask gets: promotions, and how many `new` configurations, by `task`. `any_can`: others could be promoted."""

    promotions: Sequence[Promotion]
    new: int
    task: StudyTask
    any_can: bool

    @staticmethod
    def of(task: StudyTask, count: int, values: Values | None = None) -> _Plan:
        """The promotions go by `values`, or the observed ones; see Courses."""
        courses = Courses(task)
        promotions = list(islice(courses.promotions(values), count))
        new = count - len(promotions)
        first = len(courses)
        search = dataclasses.replace(
            _at_target(task),
            begin_at=tuple(
                courses.levels[first_level(first + index, levels=len(courses.levels), factor=courses.factor)]
                for index in range(new)
            ),
        )
        left = room(search, new) if new else None
        if left is not None and left < new:  # the last configurations: all of them go on to the target
            new = max(0, left)
            promotions = list(islice(courses.promotions(values, all_that_can=True), count - new))
        return _Plan(promotions=promotions, new=new, task=search, any_can=courses.any_can)


def first_level(index: int, *, levels: int, factor: float) -> int:
    """The level at which the new configuration with this index begins: Hyperband's brackets, in their shares and well mixed.

    Most begin at the lowest level. Some begin higher, in case low fidelities mislead; they are compared with their like alone.
    """
    steps = np.arange(levels - 1, -1, -1)  # up to the target
    shares = levels / (steps + 1) * factor**steps
    place = (index * _GOLDEN) % 1.0
    return int(np.searchsorted(np.cumsum(shares / shares.sum()), place, side="right").clip(0, levels - 1))


def _is_fixed(task: StudyTask) -> bool:
    parameter = task.problem.space.fidelity
    return parameter is not None and parameter.name in task.fixed


def _at_target(task: StudyTask) -> StudyTask:
    """The same task, whose suggestions have the target, unless it fixes the fidelity."""
    space = task.problem.space
    parameter = space.fidelity
    if parameter is None or parameter.name in task.fixed:
        return task
    return dataclasses.replace(task, fixed=_in_order(space, {**task.fixed, parameter.name: target_of(parameter)}))


def _in_order(space: SearchSpace, values: Configuration) -> dict[str, ParameterValue]:
    return {name: values[name] for name in space.names if name in values}
