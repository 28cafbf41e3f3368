"""The one place where the use cases are built and given what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from asktell_server.engine.task import PatientEngine, SpareEngine
from asktell_server.service.analysis.analysing import Analysing
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.analysis.slicing import Slicing
from asktell_server.service.analysis.trading_off import TradingOff
from asktell_server.service.ask.ask import AskTrials
from asktell_server.service.ask.making import Maker
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.ask.round import Rounds
from asktell_server.service.changing import TrialChanges
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion
from asktell_server.service.explaining import Explaining
from asktell_server.service.health.checking import Health
from asktell_server.service.intake import Intake
from asktell_server.service.judging import WAIT_S, Judging
from asktell_server.service.modelling import Modelling
from asktell_server.service.reading import Reading
from asktell_server.service.reopening import Reopener
from asktell_server.service.studies import Studies
from asktell_server.service.study_updates import StudyUpdates
from asktell_server.service.suggesting import Suggesting
from asktell_server.service.trials import Trials
from asktell_server.service.views import Views
from asktell_server.service.watching import Watching
from asktell_server.service.worth import Worth
from asktell_server.store.protocol import Ledger


class Engine(SpareEngine, PatientEngine, Protocol):
    """All that the use cases want of an engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What a server with a store can do; protocols call these. `views` and `preparer` are what they share."""

    analysing: Analysing
    asking: AskTrials
    explaining: Explaining
    health: Health
    intake: Intake
    reading: Reading
    reopening: Reopener
    slicing: Slicing
    studies: Studies
    suggesting: Suggesting
    trading_off: TradingOff
    trials: Trials
    watching: Watching
    views: Views
    preparer: Preparer
    modelling: Modelling
    worth: Worth

    async def close(self) -> None:
        """Stops preparing, and waits for what is still being written. Calls must have ended before."""
        await self.asking.close()
        await self.preparer.close()
        await self.worth.close()
        await self.modelling.close()
        await self.views.close()


def build_use_cases(ledger: Ledger, engine: Engine, clock: Clock, *, judging_wait_s: float = WAIT_S) -> UseCases:
    """The use cases of one server; call `close` in the end. A server without a store has `Suggesting` alone.

    `judging_wait_s`: how long a caller waits for the model's judgement of the results, in seconds.
    """
    views = Views(ledger)
    completion = Completion(ledger, clock)
    modelling = Modelling(ledger, engine)
    preparer = Preparer(views, Maker(ledger, views, modelling, clock))
    inquiries = Inquiries(engine, modelling)
    worth = Worth(views, inquiries, completion)
    rounds = Rounds(ledger, views, modelling, preparer, completion, worth, clock)
    return UseCases(
        analysing=Analysing(views, inquiries),
        asking=AskTrials(ledger, rounds, TrialChanges(ledger, views, preparer)),
        explaining=Explaining(ledger),
        health=Health(views, inquiries),
        intake=Intake(ledger, views, preparer, completion, clock),
        reading=Reading(ledger, views, Judging(engine, wait_s=judging_wait_s)),
        slicing=Slicing(views, inquiries),
        reopening=Reopener(ledger, views, preparer, clock),
        studies=Studies(ledger, views, StudyUpdates(ledger, views, modelling, worth, clock)),
        suggesting=Suggesting(engine),
        trading_off=TradingOff(views, inquiries),
        trials=Trials(ledger, views, preparer, completion, worth, clock),
        watching=Watching(ledger),
        views=views,
        preparer=preparer,
        modelling=modelling,
        worth=worth,
    )
