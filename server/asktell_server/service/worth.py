"""Ends studies whose further trials are not worth their while: the stopping rule that asks the model.

The other rules look at results alone and are judged within each tell and ask (`completion.py`). This one takes a model some tenths
of a second, so no tell waits for it: it is judged behind the tell, once for each state of the results, and the end of the study
is written like any other, at most once. An ask waits for the judgement only where no trial is running, that is where it is all
there is to wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from math import inf

from asktell_server.domain.errors import AsktellError
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import GAIN_TRIALS, FinishReason, Study, StudyState
from asktell_server.engine.analysis.gains import GainQuestion
from asktell_server.engine.observations import Outcome
from asktell_server.engine.task import NoAnswer
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.completion import Completion
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views

log = logging.getLogger(__name__)

RESULTS_AFTER_START = 10
"""Results with values, beyond the space-filling start, from which on a model is trusted to end a study."""
WAIT_S = 2.0
"""How long an ask waits for a judgement; it goes on without."""


class Worth:
    """Judges by `StoppingRules.min_expected_gain`."""

    def __init__(self, views: Views, inquiries: Inquiries, completion: Completion, *, wait_s: float = WAIT_S) -> None:
        self._views = views
        self._inquiries = inquiries
        self._completion = completion
        self._wait_s = wait_s
        self._at_work: dict[StudyName, asyncio.Task[None]] = {}
        self._again: set[StudyName] = set()

    def told(self, view: StudyView) -> None:
        """A result has come: judges behind the call, one judgement at a time for a study."""
        name = view.study.name
        if not _is_ruled(view):
            return
        if name in self._at_work:
            self._again.add(name)
            return
        self._at_work[name] = asyncio.create_task(self._judge(name), name=f"worth of {name}")

    async def settle(self, view: StudyView) -> Study:
        """Before an ask: ends the study of an up-to-date view if its rule holds; returns the study as it then is."""
        if not _is_ruled(view) or view.running:
            return view.study
        try:
            async with asyncio.timeout(self._wait_s):
                await self._end_if_it_holds(view)
        except TimeoutError:
            log.debug("the worth of %s is not judged yet", view.study.name)
        return view.study

    async def holds(self, view: StudyView, bound: float | None) -> bool:
        """Whether a study, as its up-to-date view knows it, would end with this `min_expected_gain`; finished or not.

        A model that is surprised for the better, again and again, expects too little: what the last trials have gained counts, too.
        """
        if bound is None or not _is_judged(view) or gained_lately(view) >= bound:
            return False
        gains = await expected_gains(self._inquiries, view, (GAIN_TRIALS,))
        return gains is not None and gains[-1] < bound

    async def close(self) -> None:
        """Stops judging."""
        for task in self._at_work.values():
            task.cancel()
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def _judge(self, name: StudyName) -> None:
        try:
            again = True
            while again:
                self._again.discard(name)
                view, _ = await self._views.refresh(name)
                await self._end_if_it_holds(view)
                again = name in self._again
        except AsktellError as error:  # the next result or ask judges as well
            log.warning("the worth of %s is not judged: %s", name, error)
        except Exception:
            log.exception("judging the worth of %s failed", name)
        finally:
            self._again.discard(name)
            del self._at_work[name]

    async def _end_if_it_holds(self, view: StudyView) -> None:
        if not _is_ruled(view):
            return
        study, best = view.study, view.standings.best(1)
        # What has come meanwhile changes nothing, unless it is a new best or the study itself.
        if (
            await self.holds(view, study.stopping.min_expected_gain)
            and view.study == study
            and view.standings.best(1) == best
        ):
            await self._completion.finish(view, FinishReason.LITTLE_TO_GAIN)
            log.info("%s is finished: little is left to gain", study.name)


async def expected_gains(inquiries: Inquiries, view: StudyView, horizons: tuple[int, ...]) -> Sequence[float] | None:
    """What further trials are expected to gain, in the objective's unit; None where nobody can say.

    That is: with several objectives, contexts, a fidelity, or an algorithm without a model; before the start is over, while nothing is
    feasible; where the model fails, or every worker is busy.
    """
    study = view.study
    foretells = (
        study.algorithm.uses_model
        and len(study.goals.objectives) == 1
        and not any(parameter.context for parameter in study.space.parameters)
        and study.space.fidelity is None
        and view.history().count(Outcome.VALUE) > study.algorithm.start_trials
        and view.standings.feasible
    )
    if not foretells:
        return None
    try:
        return (await inquiries.answer(view, GainQuestion(horizons=horizons))).value
    except (AsktellError, NoAnswer) as error:
        log.info("nobody says what further trials of %s gain: %s", study.name, error)
        return None


def gained_lately(view: StudyView) -> float:
    """By how much the last `GAIN_TRIALS` trials that ended, by number, have bettered the best value; inf where they alone have any."""
    best = view.standings.best(GAIN_TRIALS + 1)
    lately = frozenset(view.ended_numbers()[-GAIN_TRIALS:])
    ranks = [standing.rank for number in best if number not in lately and (standing := view.standings.of(number))]
    now = view.standings.of(best[0]) if best else None
    if now is None or now.rank is None or not ranks or ranks[0] is None:
        return inf
    return ranks[0][1] - now.rank[1]


def _is_ruled(view: StudyView) -> bool:
    study = view.study
    return study.state is StudyState.ACTIVE and study.stopping.min_expected_gain is not None and _is_judged(view)


def _is_judged(view: StudyView) -> bool:
    return view.history().count(Outcome.VALUE) >= view.study.algorithm.start_trials + RESULTS_AFTER_START
