"""Adds to suggestions what is needed to make them again; see `explaining`."""

from __future__ import annotations

import dataclasses

from asktell_server import __version__
from asktell_server.domain.provenance import Provenance
from asktell_server.domain.trial import Origin
from asktell_server.engine.problem import Suggestion, SuggestResult
from asktell_server.engine.tasks.suggest import SuggestTask

_MODELLED = (Origin.MODEL, Origin.FALLBACK)
_OF_RESULTS = (*_MODELLED, Origin.PROMOTION)
_MAX_REASON = 500


def with_provenance(
    task: SuggestTask, result: SuggestResult, *, sequence: int, prepared_pending: int = 0, prepared: bool = False
) -> tuple[Suggestion, ...]:
    """The suggestions of `result`, each with its provenance.

    `task` was made of the study as of log position `sequence`, but for its last `prepared_pending` pending configurations,
    which were prepared and not trials yet. `prepared`: nobody has asked yet.
    """
    of_results = any(suggestion.origin in _OF_RESULTS for suggestion in result.suggestions)
    # Without results to go by a repetition is cheap, and its success says as much as a digest.
    common = Provenance(
        sequence=sequence,
        digest=task.history.digest(task.pending) if of_results else b"",
        count=task.count,
        engine=__version__,
        prepared=prepared,
        cost_exponent=task.cost_exponent,
        fixed=task.fixed,
        prepared_pending=tuple(map(task.problem.space.key, task.pending[len(task.pending) - prepared_pending :])),
    )
    return tuple(
        dataclasses.replace(suggestion, provenance=_of(suggestion, index, common, task, result))
        for index, suggestion in enumerate(result.suggestions)
    )


def _of(suggestion: Suggestion, index: int, common: Provenance, task: SuggestTask, result: SuggestResult) -> Provenance:
    if suggestion.origin not in _MODELLED:
        return dataclasses.replace(common, index=index)
    fits = result.fits if suggestion.origin is Origin.MODEL else ()
    return dataclasses.replace(
        common,
        index=index,
        warm_start=task.warm_start,
        fit=next(iter(fits), None),
        other_fits=fits[1:],
        fallback_reason=result.fallback_reason[:_MAX_REASON],
        informed=result.informed,
    )
