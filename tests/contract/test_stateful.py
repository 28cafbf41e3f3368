"""Random sequences of operations on the ledger, compared with a model of a few dictionaries.

After each step the ledger's head and trials must be those of the model, and the log, read from its start, must rebuild
them: whoever follows the log knows as much as whoever reads the trials.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from asktell_server.domain.errors import NotFound
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.connect import connect
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import (
    Commit,
    Committed,
    Conflict,
    ConflictKind,
    Guard,
    Ledger,
    MeasurementReported,
    Request,
    StudyChanged,
    TrialChanged,
    TrialDeleted,
    TrialWrite,
)
from tests.support.ledger import NOW, a_study, measured, queued, request, running, told, write
from tests.support.valkey import Server

_T = TypeVar("_T")

xs = st.sampled_from([0.1, 0.2, 0.3])
keys = st.sampled_from(["", "", "a", "b"])
picks = st.integers(0, 1000)
flags = st.booleans()


class LedgerMachine(RuleBasedStateMachine):
    """Operations of workers and people on one study."""

    def __init__(self, opened: Callable[[], Awaitable[Ledger]]) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._ledger = self._await(opened())
        self._name = StudyName(project=f"p{secrets.token_hex(6)}", study_id="s")
        self._requests: list[tuple[Commit, Committed]] = []
        self._epochs: set[str] = set()
        self._begin()

    def _await(self, awaitable: Awaitable[_T]) -> _T:
        async def run() -> _T:
            return await awaitable

        return self._runner.run(run())

    def _begin(self) -> None:
        self.trials: dict[int, Trial] = {}
        self.measurements: dict[int, list[Measurement]] = {}
        self.imports: dict[str, int] = {}
        self.last_number = 0
        self.sequence = 1
        self.study_revision = 1
        self._requests.clear()
        head = self._await(self._ledger.create_study(a_study(self._name), request=None))
        assert head.epoch not in self._epochs
        self._epochs.add(head.epoch)

    def teardown(self) -> None:
        self._await(self._ledger.close())
        self._runner.close()

    def _commit(self, *writes: TrialWrite, guard: Guard | None = None, expect: ConflictKind | None = None) -> None:
        """Commits, and demands what the model expects of it."""
        commit = Commit(writes=writes, guard=guard or Guard(), request=request(secrets.token_hex(4)))
        if expect is not None:
            with pytest.raises(Conflict) as caught:
                self._await(self._ledger.commit(self._name, commit))
            assert caught.value.kind is expect
            return
        committed = self._await(self._ledger.commit(self._name, commit))
        created = 0
        for given, record in zip(writes, committed.records, strict=True):
            trial = given.trial
            if given.delete:
                self._forget(trial)
            elif trial.number == 0 and trial.import_key in self.imports:
                assert record.trial == self.trials[self.imports[trial.import_key]]
            else:
                created += trial.number == 0
                self._put(given)
                assert record.trial == self.trials[record.trial.number]
        assert (committed.created, committed.sequence) == (created, self.sequence)
        self._requests.append((commit, committed))

    def _put(self, given: TrialWrite) -> None:
        number = given.trial.number
        if number == 0:
            self.last_number += 1
            number = self.last_number
            if given.trial.import_key:
                self.imports[given.trial.import_key] = number
        self.trials[number] = dataclasses.replace(given.trial, number=number, revision=given.expected_revision + 1)
        self.sequence += 1

    def _forget(self, trial: Trial) -> None:
        del self.trials[trial.number]
        self.measurements.pop(trial.number, None)
        self.imports.pop(trial.import_key, None)
        self.sequence += 1

    def _pick(self, pick: int, *states: TrialState) -> Trial | None:
        found = [trial for trial in self.trials.values() if not states or trial.state in states]
        return found[pick % len(found)] if found else None

    def _held(self, x: float) -> bool:
        return any(trial.state.is_open and trial.parameters["x"] == x for trial in self.trials.values())

    def _count(self, state: TrialState) -> int:
        return sum(trial.state is state for trial in self.trials.values())

    @rule(x=xs, unique=flags, most=st.sampled_from([None, 1, 3]))
    def ask(self, x: float, unique: bool, most: int | None) -> None:
        expect = None
        if unique and self._held(x):
            expect = ConflictKind.DUPLICATE
        elif most is not None and self._count(TrialState.RUNNING) + 1 > most:
            expect = ConflictKind.TOO_MANY_RUNNING
        trial = running(x, f"lease-{self.sequence}")
        self._commit(write(trial, only_if_unique=unique, lease_s=60), guard=Guard(max_running=most), expect=expect)

    @rule(x=xs, y=xs, key=keys)
    def enqueue(self, x: float, y: float, key: str) -> None:
        self._commit(write(queued(x, import_key=key)), write(queued(y)))

    @rule(pick=picks)
    def start(self, pick: int) -> None:
        if trial := self._pick(pick, TrialState.QUEUED):
            lease = f"lease-{self.sequence}"
            self._commit(write(trial.start(lease_id=lease, worker_id="w", now=NOW), lease_s=60))

    @rule(pick=picks, loss=st.floats(allow_nan=False))
    def tell(self, pick: int, loss: float) -> None:
        if trial := self._pick(pick, TrialState.RUNNING):
            self._commit(write(told(trial, loss)))

    @rule(pick=picks)
    def give_back(self, pick: int) -> None:
        if trial := self._pick(pick, TrialState.RUNNING):
            self._commit(write(trial.release(lease_id=trial.lease_id)))

    @rule(pick=picks)
    def take_a_held_lease(self, pick: int) -> None:
        if trial := self._pick(pick, TrialState.RUNNING):
            lapsed = trial.expire(max_attempts=9, now=NOW)
            self._commit(write(lapsed, only_if_lapsed=True), expect=ConflictKind.LEASE_RENEWED)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        if trial := self._pick(pick, TrialState.QUEUED, TrialState.RUNNING):
            self._commit(write(trial.cancel(reason="", now=NOW)))

    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        trial = self._pick(pick)
        if trial is not None and trial.state is not TrialState.RUNNING:
            self._commit(write(trial, delete=True))

    @rule(pick=picks, x=xs)
    def write_too_late(self, pick: int, x: float) -> None:
        if trial := self._pick(pick):
            stale = TrialWrite(trial=trial, expected_revision=trial.revision + 1)
            self._commit(write(queued(x)), stale, expect=ConflictKind.TRIAL_CHANGED)

    @rule(pick=picks, loss=st.floats(allow_nan=False), valid=flags, repeat=flags)
    def report(self, pick: int, loss: float, valid: bool, repeat: bool) -> None:
        trial = self._pick(pick)
        if trial is None:
            return
        lease_id = trial.lease_id if valid else "of another attempt"
        measurement = measured(self.sequence, loss)
        asked = request(secrets.token_hex(4))
        for _ in range(1 + repeat):
            reported = self._await(self._report(trial, lease_id, measurement, asked))
            assert reported.lease_valid == (valid and trial.state is TrialState.RUNNING)
            assert reported.trial_state is trial.state
        if valid and trial.state is TrialState.RUNNING:
            self.measurements.setdefault(trial.number, []).append(measurement)
            self.sequence += 1

    def _report(self, trial: Trial, lease_id: str, measurement: Measurement, asked: Request) -> Any:
        return self._ledger.report(
            self._name, trial.number, lease_id=lease_id, lease_s=60, measurement=measurement, request=asked
        )

    @precondition(lambda self: self._requests)
    @rule(pick=picks)
    def repeat_a_request(self, pick: int) -> None:
        commit, first = self._requests[pick % len(self._requests)]
        again = self._await(self._ledger.commit(self._name, commit))
        assert again.replayed
        assert (again.sequence, again.created) == (first.sequence, first.created)
        assert [record.trial for record in again.records] == [record.trial for record in first.records]

    @rule(seed=st.integers(0, 2**53 - 1), stale=flags)
    def update_study(self, seed: int, stale: bool) -> None:
        changed = a_study(self._name, seed=seed)
        revision = self.study_revision + stale
        update = self._ledger.update_study(changed, expected_revision=revision, request=None)
        if stale:
            with pytest.raises(Conflict):
                self._await(update)
            return
        self._await(update)
        self.study_revision += 1
        self.sequence += 1

    @rule()
    def delete_study(self) -> None:
        self._await(self._ledger.delete_study(self._name, expected_revision=self.study_revision, request=None))
        with pytest.raises(NotFound):
            self._await(self._ledger.read_head(self._name))
        self._begin()

    @invariant()
    def the_ledger_is_as_the_model(self) -> None:
        delta = self._await(self._ledger.read_delta(self._name, after=0, limit=10_000))
        head = delta.head
        assert (head.sequence, head.last_number) == (self.sequence, self.last_number)
        assert head.study.revision == self.study_revision
        assert +Counter(head.counts) == Counter(trial.state for trial in self.trials.values())
        assert head.charged == sum(trial.counts_toward_budget for trial in self.trials.values())
        numbers = list(range(1, self.last_number + 1))
        records = self._await(self._ledger.read_trials(self._name, numbers=numbers))
        stored = {record.trial.number: record for record in records if record is not None}
        assert {number: record.trial for number, record in stored.items()} == self.trials
        for number, record in stored.items():
            assert record.measurement_count == len(self.measurements.get(number, []))
            assert (record.lease_expire_time is not None) == (record.trial.state is TrialState.RUNNING)
        self._check_log(delta.entries, head.study)

    def _check_log(self, entries: Any, study: Any) -> None:
        assert [entry.sequence for entry in entries] == list(range(1, self.sequence + 1))
        trials: dict[int, Trial] = {}
        measurements: dict[int, list[Measurement]] = {}
        last_study = None
        for entry in entries:
            match entry.change:
                case StudyChanged(study=changed):
                    last_study = changed
                case TrialChanged(trial=trial):
                    trials[trial.number] = trial
                case TrialDeleted(number=number):
                    del trials[number]
                    measurements.pop(number, None)
                case MeasurementReported(number=number, index=index, measurement=measurement):
                    assert index == len(measurements.setdefault(number, []))
                    measurements[number].append(measurement)
        assert (trials, measurements, last_study) == (self.trials, self.measurements, study)


async def _in_memory() -> Ledger:
    return MemoryLedger()


def test_in_memory() -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(_in_memory),  # type: ignore[arg-type]  # any factory will do
        settings=settings(max_examples=60, deadline=None),
    )


def test_valkey(valkey_server: Server) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(lambda: connect(valkey_server.url)),  # type: ignore[arg-type]
        settings=settings(max_examples=15, stateful_step_count=40, deadline=None),
    )
