"""Suggestions ready before anybody asks: which asks get them, and which must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from asktell_server.domain.algorithm import Bayesian, Random
from asktell_server.domain.errors import FailedPrecondition
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import configuration_digest
from asktell_server.domain.study import LeasePolicy, StoppingRules, StudyState
from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import Origin, Trial, TrialState
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.ask.demand import CREDIT_OF_CALL, FIRST_CREDIT, WASTE
from asktell_server.service.ask.offer import FEW_RUNNING
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.service.trials import MapUpdate, TrialUpdate
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Commit, Committed, Prepared, Request, StalenessLimit, StudyDelta, TrialWrite
from tests.support.builders import NAME, failure, success
from tests.support.ledger import until
from tests.unit.service.conftest import HandClock, Services

MODEL = Bayesian(start_trials=2)


class Engine(WorkerPool):
    """The engine in this process. `idle` says whether it has time for what nobody waits for; `hold` keeps that waiting."""

    def __init__(self) -> None:
        super().__init__(workers=1)
        self.idle = asyncio.Event()
        self.idle.set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.asked: list[Any] = []
        self.ahead: list[Any] = []

    async def answer(self, task: Task[A]) -> A:
        """See Engine."""
        self.asked.append(task)
        return task.run()

    async def spare(self) -> None:
        """See SpareEngine."""
        await self.idle.wait()

    async def answer_if_idle(self, task: Task[A]) -> A | None:
        """See SpareEngine."""
        self.ahead.append(task)
        await self.hold.wait()
        return task.run()


class CountingLedger(MemoryLedger):
    """Counts round trips of asks."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.trips: list[str] = []
        self.lock_held = asyncio.Event()
        """Cleared, it keeps whoever wants to prepare waiting."""
        self.lock_held.set()

    async def read_delta(self, name: StudyName, **what: Any) -> StudyDelta:
        """See Ledger."""
        self.trips.append("read")
        return await super().read_delta(name, **what)

    async def begin_preparing(self, name: StudyName, **what: Any) -> bool:
        """See Ledger."""
        if not self.lock_held.is_set():
            self.trips.append("lock")
            await self.lock_held.wait()
        return await super().begin_preparing(name, **what)

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See Ledger."""
        self.trips.append("commit")
        return await super().commit(name, commit)


class Server(Services):
    """One server whose engine has a model."""

    def __init__(self, ledger: MemoryLedger, clock: HandClock) -> None:
        self.engine = Engine()
        super().__init__(ledger, clock, self.engine)

    async def start(self, **changes: Any) -> list[Trial]:
        """A study whose next suggestion takes the model: two results, from a server that is gone."""
        self.engine.idle.clear()
        await self.create(**{"algorithm": MODEL, **changes})
        gone = Services(self.ledger, self.clock)
        return [await gone.tell(trial, 0.5 + trial.number) for trial in await gone.ask(2)]

    async def ready(self) -> Sequence[Prepared]:
        """What is prepared in the ledger."""
        return (await self.ledger.read_delta(NAME, after=10**6, ready=True)).ready

    async def prepared(self, count: int = 1) -> list[Prepared]:
        """What is prepared, once there is as much and no more is on its way."""
        self.engine.idle.set()
        found = await until(self.ready, lambda ready: len(ready) == count)
        await self.settled()
        return list(found)

    async def quiet(self) -> None:
        """Returns once the loop has nothing to do: no part of these tests waits for anything else."""
        for _ in range(100):
            await asyncio.sleep(0)

    async def settled(self) -> None:
        """Returns once nothing is being prepared."""
        await until(lambda: _value(self.preparer.at_work), lambda studies: not studies)


@pytest.fixture
async def ledger(clock: HandClock) -> CountingLedger:
    """An empty store."""
    return CountingLedger(clock)


@pytest.fixture
async def server(ledger: CountingLedger, clock: HandClock) -> AsyncIterator[Server]:
    """A server on it."""
    server = Server(ledger, clock)
    yield server
    server.engine.idle.set()
    server.engine.hold.set()
    await server.close()


@pytest.fixture
async def other(ledger: CountingLedger, clock: HandClock) -> AsyncIterator[Server]:
    """Another server on the same store. It prepares nothing unless its engine is told that it is idle."""
    other = Server(ledger, clock)
    other.engine.idle.clear()
    yield other
    other.engine.idle.set()
    await other.close()


async def check_the_next_ask(server: Server, prepared: Prepared, *, used: int) -> None:
    """It gets what is prepared, or (0) something else."""
    (trial,) = await server.ask()
    assert (trial.parameters == prepared.trial.parameters) == bool(used)
    await server.quiet()
    assert server.preparer.counters.used == used


def digests(trials: Sequence[Trial]) -> set[str]:
    """Of the configurations."""
    return {configuration_digest(trial.parameters) for trial in trials}


async def test_an_ask_takes_what_is_ready_in_one_round_trip(server: Server, ledger: CountingLedger) -> None:
    await server.start(max_staleness=1)
    (running,) = await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    ledger.trips.clear()
    asked = len(server.engine.asked)
    (trial,) = await server.ask()
    assert ledger.trips == ["commit"]
    assert len(server.engine.asked) == asked
    assert trial.parameters == prepared.trial.parameters != running.parameters
    assert (trial.origin, trial.prediction) == (Origin.MODEL, prepared.trial.prediction)
    assert await server.ready() == ()
    await until(lambda: _value(server.preparer.counters.used), lambda used: used == 1)


async def test_what_is_prepared_is_what_an_ask_would_have_got(server: Server, clock: HandClock) -> None:
    asking = Server(CountingLedger(clock), clock)
    runs = []
    for each, prepares in ((server, True), (asking, False)):
        await each.start(max_staleness=0)
        trials: list[list[Trial]] = []
        for _ in range(4):
            trials += (await each.ask(), await each.ask())
            for (trial,) in trials[-2:]:
                await each.tell(trial, float(trial.parameters["lr"]))
            if prepares:
                await each.prepared()
                each.engine.idle.clear()
        runs.append([trial.parameters for (trial,) in trials])
    assert runs[0] == runs[1]
    assert server.preparer.counters.used == 3
    await asking.close()


@pytest.mark.parametrize(("limit", "used"), [(0, 0), (1, 0), (2, 1)])
async def test_a_stale_one_is_computed_again(server: Server, limit: int, used: int) -> None:
    await server.start(max_staleness=limit)
    running = await server.ask(2)
    prepared, *_ = await server.prepared(min(limit + 1, 2))
    server.engine.idle.clear()
    for trial in running:
        await server.tell(trial, 0.1)
    await check_the_next_ask(server, prepared, used=used)


async def test_a_single_worker_always_gets_what_its_last_result_led_to(server: Server) -> None:
    await server.start()
    for _ in range(3):
        (trial,) = await server.ask()
        await server.tell(trial, 0.1)
        await server.prepared()
        (prepared,) = await server.ready()
        assert prepared.ended == server.views.peek(NAME).ended  # type: ignore[union-attr]


@pytest.mark.parametrize(("deviations", "used"), [(0.5, 1), (1.1, 0)])
async def test_with_many_in_flight_a_result_as_predicted_leaves_it_fresh(
    server: Server, deviations: float, used: int
) -> None:
    await server.start()
    running = await server.ask(FEW_RUNNING + 1)
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    prediction = running[0].prediction
    assert prediction is not None
    await server.tell(
        running[0], prediction.first_belief.mean + deviations * prediction.first_belief.standard_deviation
    )
    await check_the_next_ask(server, prepared, used=used)


async def test_results_as_predicted_add_up(server: Server) -> None:
    await server.start()
    running = await server.ask(FEW_RUNNING + 2)
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    for trial in running[:2]:
        assert trial.prediction is not None
        await server.tell(
            trial, trial.prediction.first_belief.mean + 0.6 * trial.prediction.first_belief.standard_deviation
        )
    (trial,) = await server.ask()
    assert trial.parameters != prepared.trial.parameters


async def test_what_the_next_result_makes_stale_is_prepared_ever_less(server: Server) -> None:
    await server.start()
    server.engine.idle.set()

    async def one_worker(rounds: int) -> int:
        before = server.preparer.counters.prepared
        for _ in range(rounds):
            (trial,) = await server.ask()
            await server.quiet()
            await server.settled()
            await server.tell(trial, 0.1)
            await server.prepared()
        return server.preparer.counters.prepared - before

    tries = round(FIRST_CREDIT / WASTE)
    assert await one_worker(4) == 4 + tries, "after each result, and after the first asks"
    await one_worker(2)
    rounds = round(1 / CREDIT_OF_CALL)
    assert await one_worker(rounds) == rounds + 1, "after each result, and after an ask for a try"


async def test_an_ask_waits_for_what_is_in_the_making(server: Server) -> None:
    await server.start()
    (first,) = await server.ask()
    server.engine.hold.clear()
    server.engine.idle.set()
    await until(lambda: _value(server.engine.ahead), bool)
    asked = len(server.engine.asked)
    waiting = asyncio.create_task(server.ask())
    await until(lambda: _value(server.preparer.counters.joined), bool)
    server.engine.hold.set()
    (second,) = await waiting
    assert len(server.engine.asked) == asked, "it was not computed twice"
    assert second.parameters != first.parameters


@pytest.mark.parametrize("gets_the_lock", [True, False])
async def test_an_ask_waits_for_what_will_read_the_history_yet(
    server: Server, ledger: CountingLedger, other: Server, gets_the_lock: bool
) -> None:
    await server.start(max_staleness=0)
    (running,) = await server.ask()
    if not gets_the_lock:
        assert await other.ledger.begin_preparing(
            NAME, token="t", depth=1, staleness=StalenessLimit(ended=0), lock_s=60
        )
    ledger.lock_held.clear()
    server.engine.idle.set()
    await until(lambda: _value(ledger.trips), lambda trips: trips[-1:] == ["lock"])
    asked = len(server.engine.asked)
    await server.tell(running, 0.1)
    waiting = asyncio.create_task(server.ask())
    await until(lambda: _value(server.preparer.counters.joined), bool)
    ledger.lock_held.set()
    (trial,) = await waiting
    assert trial.state is TrialState.RUNNING
    assert len(server.engine.asked) == asked + (not gets_the_lock), (
        "it was computed twice only where nothing could be prepared"
    )


async def test_an_ask_does_not_wait_for_what_would_be_too_stale(server: Server) -> None:
    await server.start(max_staleness=0)
    (running,) = await server.ask()
    server.engine.hold.clear()
    server.engine.idle.set()
    await until(lambda: _value(server.engine.ahead), bool)
    await server.tell(running, 0.1)
    (trial,) = await server.ask()
    assert trial.number == 4
    assert server.preparer.counters.joined == 0


async def test_another_server_hands_out_what_this_one_prepared(server: Server, other: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    (prepared,) = await server.prepared()
    (trial,) = await other.ask()
    assert trial.parameters == prepared.trial.parameters
    server.engine.idle.clear()
    (next_one,) = await server.ask()  # it still believes to have one
    assert next_one.parameters != trial.parameters
    assert server.preparer.counters.used == 0


async def test_what_is_computed_for_an_ask_drops_what_it_did_not_know_of(server: Server, other: Server) -> None:
    await server.start(max_staleness=5)
    await server.ask()
    server.engine.hold.clear()
    server.engine.idle.set()
    await until(lambda: _value(server.engine.ahead), bool)
    (theirs,) = await other.ask()  # the same task as what is in the making
    server.engine.hold.set()
    await server.settled()
    assert server.preparer.counters.refused == 1
    ours = [trial for _ in range(3) for trial in await server.ask()]
    assert len(digests([theirs, *ours])) == 4


async def test_many_asks_on_two_servers_get_each_only_once(server: Server, other: Server) -> None:
    await server.start(max_staleness=8)
    await server.ask(8)
    prepared = await server.prepared(8)
    server.engine.idle.clear()
    await other.views.refresh(NAME)
    answers = await asyncio.gather(*(each.ask() for _ in range(8) for each in (server, other)))
    trials = [trial for answer in answers for trial in answer]
    assert len(digests(trials)) == len({trial.number for trial in trials}) == 16
    assert {configuration_digest(each.trial.parameters) for each in prepared} <= digests(trials)
    await until(lambda: _value(server.preparer.counters.used + other.preparer.counters.used), lambda used: used == 8)


async def test_a_large_ask_takes_what_is_ready_and_the_rest_of_the_model(server: Server) -> None:
    await server.start(max_staleness=2)
    await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    trials = await server.ask(3)
    assert trials[0].parameters == prepared.trial.parameters
    assert len(digests(trials)) == 3
    assert server.engine.asked[-1].count == 2
    assert prepared.trial.parameters in server.engine.asked[-1].pending


async def test_whoever_is_served_does_not_wait_for_the_model_of_others(server: Server) -> None:
    await server.start(max_staleness=2)
    await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    answers = await asyncio.gather(server.ask(), server.ask(), server.ask(2))
    trials = [trial for answer in answers for trial in answer]
    assert trials[0].parameters == prepared.trial.parameters
    assert len(digests(trials)) == 4


async def test_the_queue_goes_first(server: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    await server.intake.enqueue(NAME, [NewTrial(parameters={"lr": 0.9, "bias": True})], request=None)
    assert [trial.origin for trial in await server.ask()] == [Origin.PERSON]
    assert [trial.parameters for trial in await server.ask()] == [prepared.trial.parameters]


async def test_a_lapsed_trial_goes_first(server: Server, clock: HandClock) -> None:
    await server.start(max_staleness=1)
    (lost,) = await server.ask()
    await server.prepared()
    server.engine.idle.clear()
    clock.advance(61)
    (trial,) = await server.ask()
    assert (trial.number, trial.attempt) == (lost.number, 2)


async def test_a_configuration_that_a_person_took_is_not_handed_out_again(server: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    await server.intake.enqueue(NAME, [NewTrial(parameters=prepared.trial.parameters)], request=None)
    trials = [trial for _ in range(3) for trial in await server.ask()]
    assert len(digests(trials)) == 3


async def test_a_repeated_request_gets_the_same_trial(server: Server, other: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    (prepared,) = await server.prepared()
    request = Request(request_id="r", fingerprint="f")
    first = await server.ask(request=request)
    assert first[0].parameters == prepared.trial.parameters
    await server.prepared()
    assert await server.ask(request=request) == await other.ask(request=request) == first
    assert len(await server.ready()) == 1, "what was prepared since is still there"


async def test_a_corrected_result_drops_what_was_made_of_the_wrong_one(server: Server) -> None:
    ended = await server.start(max_staleness=9)
    await server.ask()
    (wrong,) = await server.prepared()
    server.engine.idle.clear()
    await server.trials.amend(NAME.trial(ended[0].number), success(-7.0), reason="typo", request=None)
    assert await server.ready() == ()
    (right,) = await server.prepared()
    assert right.ready_id != wrong.ready_id
    assert server.engine.ahead[-1].history.values[0, 0] == -7.0


async def test_a_paused_study_hands_out_nothing(server: Server, other: Server) -> None:
    await server.start(max_staleness=9)
    await server.ask()
    await server.prepared()
    await other.studies.update(NAME, StudyUpdate(changes={"state": StudyState.PAUSED}), etag="", request=None)
    with pytest.raises(FailedPrecondition, match="paused"):
        await server.ask()
    await server.settled()
    assert await server.ready() == ()


@pytest.mark.parametrize("changes", [{"max_running_trials": 3}, {"stopping": StoppingRules(max_trials=5)}])
async def test_limits_hold(server: Server, other: Server, changes: dict[str, Any]) -> None:
    await server.start(max_staleness=9, **changes)
    await server.ask()
    await server.prepared()
    answers = await asyncio.gather(*(each.ask() for _ in range(4) for each in (server, other)), return_exceptions=True)
    head = await server.ledger.read_head(NAME)
    assert head.charged == 5
    assert sum(isinstance(answer, list) for answer in answers) == 2


async def test_nothing_is_prepared_beyond_the_budget(server: Server) -> None:
    await server.start(stopping=StoppingRules(max_trials=3))
    await server.ask()
    server.engine.idle.set()
    await server.settled()
    assert server.engine.ahead == []


async def test_rules_that_look_at_results_are_read_first(server: Server, ledger: CountingLedger) -> None:
    await server.start(max_staleness=9, stopping=StoppingRules(target_value=0.0))
    (trial,) = await server.ask()
    await server.prepared()
    await server.ledger.commit(  # its server died before it could end the study
        NAME, Commit(writes=[_told(trial, -1.0)])
    )
    with pytest.raises(FailedPrecondition, match="target"):
        await server.ask()


async def test_only_what_takes_a_model_is_prepared(server: Server) -> None:
    await server.create(algorithm=Random())
    server.engine.idle.set()
    for trial in await server.ask(3):
        await server.tell(trial, 0.5)
    await server.settled()
    assert server.engine.ahead == []


async def test_nothing_is_prepared_for_studies_that_nobody_asks(server: Server, other: Server) -> None:
    await server.start(max_staleness=9)
    (trial,) = await server.ask()
    other.engine.idle.set()
    await other.tell(trial, 0.5)
    await other.settled()
    assert other.engine.ahead == []


async def test_as_many_are_ready_as_are_asked_for_between_two_preparations(server: Server) -> None:
    await server.start(max_staleness=8)
    await server.ask(3)
    assert len(digests([each.trial for each in await server.prepared(3)])) == 3
    assert len(server.engine.ahead[-1].pending) == 3 + 2, "each knows of those before it"


async def test_what_is_prepared_is_for_the_fixed_values_of_the_last_ask(server: Server, ledger: CountingLedger) -> None:
    await server.start(max_staleness=1)
    await server.ask(fixed={"layers": 5})
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    assert prepared.trial.parameters["layers"] == 5
    for fixed in (None, {"layers": 6}):  # it was looked for among fewer, or has another value; it stays where it is
        (other,) = await server.ask(fixed=fixed)
        assert other.parameters != prepared.trial.parameters
        assert await server.ready() == (prepared,)
    ledger.trips.clear()
    (trial,) = await server.ask(fixed={"layers": 5})
    assert (trial.parameters, ledger.trips) == (prepared.trial.parameters, ["commit"])


async def test_what_is_prepared_for_any_ask_is_for_those_whose_values_it_has(server: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    (prepared,) = await server.prepared()
    server.engine.idle.clear()
    layers, bias = prepared.trial.parameters["layers"], prepared.trial.parameters["bias"]
    (other,) = await server.ask(fixed={"layers": int(layers) % 8 + 1})
    assert other.parameters != prepared.trial.parameters
    (trial,) = await server.ask(fixed={"layers": layers, "bias": bias})
    assert trial.parameters == prepared.trial.parameters


async def test_each_kind_of_worker_finds_something_prepared(server: Server) -> None:
    await server.start(max_staleness=100)
    for layers in (5, 6):
        await server.ask(fixed={"layers": layers})
        await server.prepared(1 if layers == 5 else 2)
        server.engine.idle.clear()
    used = [(await server.ask(fixed={"layers": layers}))[0] for layers in (5, 6)]
    await server.quiet()
    assert [trial.parameters["layers"] for trial in used] == [5, 6]
    assert server.preparer.counters.used == 2


async def test_a_server_that_stops_gives_the_lock_back(server: Server, other: Server) -> None:
    await server.start(max_staleness=1)
    await server.ask()
    server.engine.hold.clear()
    server.engine.idle.set()
    await until(lambda: _value(server.engine.ahead), bool)
    await server.close()
    assert await other.ledger.begin_preparing(NAME, token="t", depth=1, staleness=StalenessLimit(ended=1), lock_s=60)


async def test_a_server_that_dies_holds_up_nobody(server: Server, other: Server, clock: HandClock) -> None:
    await server.start(max_staleness=9)
    assert await server.ledger.begin_preparing(
        NAME, token="the dead", depth=1, staleness=StalenessLimit(ended=9), lock_s=10
    )
    other.engine.idle.set()
    trials = [trial for _ in range(3) for trial in await other.ask()]
    assert len(digests(trials)) == 3
    await other.settled()


async def _value(value: Any) -> Any:
    return value


def _told(trial: Trial, loss: float) -> Any:
    told, _ = trial.tell(success(loss), lease_id=trial.lease_id, now=trial.create_time)
    return TrialWrite(trial=told, expected_revision=trial.revision)


async def test_every_server_counts_surprises_as_the_ledger_does(server: Server, clock: HandClock) -> None:
    follower = Services(server.ledger, clock)

    async def surprise() -> int:
        heads = [await each.views.refresh(NAME) for each in (server, follower, Services(server.ledger, clock))]
        counted = {view.surprise for view, _ in heads} | {delta.head.surprise for _, delta in heads}
        assert len(counted) == 1, counted
        return counted.pop()

    await server.start(lease=LeasePolicy(duration_s=60.0, max_attempts=1))
    assert await surprise() == 2 * WHOLE_SURPRISE, "nobody predicted the start"
    trials = await server.ask(6)
    assert all(trial.prediction for trial in trials)
    names = [NAME.trial(trial.number) for trial in trials]

    async def tell(index: int, deviations: float) -> None:
        prediction = trials[index].prediction
        assert prediction is not None
        await server.tell(
            trials[index], prediction.first_belief.mean + deviations * prediction.first_belief.standard_deviation
        )

    await tell(0, 0.25)
    assert await surprise() == 2 * WHOLE_SURPRISE + 250
    await tell(1, 7.0)
    assert await surprise() == 3 * WHOLE_SURPRISE + 250
    await server.trials.update(names[0], TrialUpdate(labels=MapUpdate(keys={"a": "b"})), request=None)
    assert await surprise() == 3 * WHOLE_SURPRISE + 250
    await server.trials.amend(names[0], success(1e6), reason="a typo", request=None)
    assert await surprise() == 4 * WHOLE_SURPRISE
    await server.trials.tell(names[2], failure(), lease_id=trials[2].lease_id, request=None)
    await server.trials.cancel(names[3], reason="", request=None)
    await server.trials.release(names[4], lease_id=trials[4].lease_id, request=None)
    assert await surprise() == 6 * WHOLE_SURPRISE
    await server.trials.delete(names[1], request=None)
    assert await surprise() == 5 * WHOLE_SURPRISE
    clock.advance(61.0)
    await server.ask()  # finds the lease of the sixth run out
    assert await surprise() == 6 * WHOLE_SURPRISE, "it is abandoned"
    await tell(5, 0.5)
    assert await surprise() == 5 * WHOLE_SURPRISE + 500, "its late result counts after all"
    past = PastTrial(import_key="k", parameters=trials[1].parameters, result=success(0.3))
    await server.intake.import_(NAME, [past], request=None)
    assert await surprise() == 6 * WHOLE_SURPRISE + 500
