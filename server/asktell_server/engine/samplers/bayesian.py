"""Bayesian optimisation: a space-filling start, then the model; and what happens when the model fails."""

from __future__ import annotations

import dataclasses
import logging

from asktell_server.domain.trial import Origin
from asktell_server.engine.filling import fill
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask, SuggestResult

log = logging.getLogger(__name__)


class BayesianSampler:
    """The centre and Sobol points first, then a Gaussian process and expected improvement."""

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """Some of the suggestions are not of the start."""
        return bool(task.earlier) or _start_left(task, count) < count

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """`count` suggestions; where the model fails, space-filling ones and the reason."""
        if task.earlier:
            informed = _informed(task, count)
            if informed is not None:
                return informed
            task = dataclasses.replace(task, earlier=())
        start = fill(task, min(count, _start_left(task, count)), origin=Origin.START, with_centre=True)
        if len(start) == count:
            return SuggestResult(suggestions=start, warm_start=task.warm_start)
        pending = [*task.pending, *(suggestion.parameters for suggestion in start)]
        begin_at = task.begin_at[len(start) :]
        rest = _model_or_fill(dataclasses.replace(task, pending=pending, begin_at=begin_at), count - len(start))
        return dataclasses.replace(rest, suggestions=(*start, *rest.suggestions))


def _informed(task: StudyTask, count: int) -> SuggestResult | None:
    """Suggestions by what earlier results say; None where these have no say, or the model fails."""
    try:
        from asktell_server.engine.bayes.informed import propose_informed

        return propose_informed(task, count)
    except Exception:
        log.exception("the model of earlier results failed; on without them")
        return None


def _start_left(task: StudyTask, count: int) -> int:
    """How many suggestions the start still has, `count` or more while nothing has a value to learn from."""
    if not task.history.count(Outcome.VALUE):
        return count
    return max(0, task.problem.algorithm.start_trials - len(task.history) - len(task.pending))


def _model_or_fill(task: StudyTask, count: int) -> SuggestResult:
    """The model's suggestions; from a fresh fit when the warm one fails; space-filling ones when that fails too."""
    try:
        # Imported here: the server's own process answers starts and must stay free of torch.
        from asktell_server.engine.bayes.fitted import fitted
        from asktell_server.engine.bayes.propose import propose

        try:
            result = propose(task, count)
        except Exception:
            if not task.warm_start:
                raise
            log.warning("the model failed from its warm start; again from a cold one", exc_info=True)
            result = propose(dataclasses.replace(task, warm_start=b""), count)
        return dataclasses.replace(result, fits=fitted(result.warm_start, task.problem))
    except Exception as error:
        log.exception("the model failed")
        return SuggestResult(
            suggestions=fill(task, count, origin=Origin.FALLBACK),
            fallback_reason=f"{type(error).__name__}: {error}",
        )
