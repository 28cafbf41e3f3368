"""The use case of health: gathers what is known of a study, and has every check look at it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.errors import AsktellError
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import TrialState
from asktell_server.engine.analysis.importances import ImportanceQuestion, Importances
from asktell_server.engine.analysis.optimum import OptimumQuestion
from asktell_server.engine.analysis.question import Question
from asktell_server.engine.analysis.validation import ValidationQuestion
from asktell_server.engine.observations import Outcome
from asktell_server.engine.task import NoAnswer
from asktell_server.pace import in_pieces
from asktell_server.service.analysis.inquiries import LEAST_RESULTS, Inquiries
from asktell_server.service.completion import ended_trials
from asktell_server.service.health import believed, coverage, failures, overfitting
from asktell_server.service.health.evidence import Beliefs, Effect, Evidence, Interaction, Optimum
from asktell_server.service.health.finding import Finding
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.service.worth import expected_gains

HORIZONS = (1, 10, 100)
"""Numbers of further trials whose gain is told."""
MOST_TRIALS = 5000
"""The newest trials that are looked at."""
CHECKS: Sequence[Callable[[Evidence], Iterator[Finding]]] = (
    failures.nothing_feasible,
    failures.many_failures,
    failures.failures_cluster,
    coverage.budget_too_small,
    coverage.duplicates,
    coverage.best_at_border,
    overfitting.overfitting_to_validation,
    believed.noise,
    believed.parameter_without_effect,
    believed.strong_interaction,
    believed.grid_misses_region,
    believed.little_to_gain,
)

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What was found, the most severe first; what further trials are expected to gain, by their number; of how many results."""

    findings: Sequence[Finding]
    expected_gains: Mapping[int, float]
    result_count: int


class Health:
    """Looks at studies. Reads alone."""

    def __init__(self, views: Views, inquiries: Inquiries) -> None:
        self._views = views
        self._inquiries = inquiries

    async def check(self, study: StudyName) -> Checkup:
        """What the owner of a study should know. Without a model, what can be said without one. Raises NotFound."""
        view, _ = await self._views.refresh(study)
        evidence = await _evidence(view)
        results = view.history().count(Outcome.VALUE)
        if results >= LEAST_RESULTS:
            evidence = dataclasses.replace(evidence, beliefs=await self._beliefs(view, results))
        return Checkup(
            findings=await asyncio.to_thread(findings_of, evidence),
            expected_gains=evidence.beliefs.gains,
            result_count=results,
        )

    async def _beliefs(self, view: StudyView, results: int) -> Beliefs:
        """What the model believes of the first objective, as far as it says."""
        metric = view.goals.objectives[0].metric
        validation = await self._said(view, ValidationQuestion(metric=metric, results=results))
        importances = await self._said(view, ImportanceQuestion(metric=metric))
        found = None
        study = view.study
        if isinstance(study.algorithm, Grid) and len(view.goals.objectives) == 1 and study.space.fidelity is None:
            found = await self._said(view, OptimumQuestion(metric=metric))
        gains = await expected_gains(self._inquiries, view, HORIZONS)
        return Beliefs(
            rank_correlation=None if validation is None else validation.rank_correlation,
            result_count=results,
            effects=[] if importances is None else _effects(importances),
            interactions=[] if importances is None else _interactions(importances),
            optimum=None
            if found is None
            else Optimum(
                parameters=view.study.space.configuration(found.key),
                mean=found.mean,
                deviation=found.deviation,
                best_mean=found.tried_mean,
            ),
            gains={} if gains is None else dict(zip(HORIZONS, gains, strict=True)),
        )

    async def _said(self, view: StudyView, question: Question[V]) -> V | None:
        """What the model says; None where it fails, or every worker is busy."""
        try:
            return (await self._inquiries.answer(view, question)).value
        except (AsktellError, NoAnswer):
            return None


def findings_of(evidence: Evidence) -> list[Finding]:
    """What all checks find, the most severe first."""
    found = [finding for check in CHECKS for finding in check(evidence)]
    return sorted(found, key=lambda finding: -finding.severity)


async def _evidence(view: StudyView) -> Evidence:
    numbers = view.ended_numbers()[-MOST_TRIALS:]
    read = await in_pieces(view.trials.get, numbers)
    # Not those that are gone meanwhile, nor those that somebody called off.
    trials = [trial for trial in read if trial is not None and trial.state is not TrialState.CANCELLED]
    best = view.standings.best(1)
    return Evidence(
        study=view.study,
        goals=view.goals,
        trials=trials,
        best=view.trials.get(best[0]) if best else None,
        counted=ended_trials(view.head),
    )


def _effects(said: Importances) -> list[Effect]:
    return [
        Effect(parameter=name, total=float(total), deviation=float(deviation))
        for name, total, deviation in zip(said.names, said.indices.total, said.deviations.total, strict=True)
    ]


def _interactions(said: Importances) -> list[Interaction]:
    """The pairs, the strongest first."""
    names = said.names
    pairs = [
        Interaction(
            parameters=(names[one], names[other]),
            share=float(said.indices.pairs[one, other]),
            deviation=float(said.deviations.pairs[one, other]),
        )
        for one in range(len(names))
        for other in range(one + 1, len(names))
    ]
    return sorted(pairs, key=lambda pair: -pair.share)
