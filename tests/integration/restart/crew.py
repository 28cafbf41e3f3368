"""Workers that go on through crashes, and what they were told: the yardstick for what must not be lost."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from tests.support.rpc import Rpc, StudyCalls, eventually, raw_values, refusal, tell_request

PATIENCE_S = 90.0
"""How long a worker tries one call again: longer than any restart takes."""

T = TypeVar("T")


def loss_of(trial: trial_pb2.Trial) -> float:
    """What a worker finds for a configuration; different for different ones."""
    return float(raw_values(trial)["x"]) / 3


class Crew:
    """`workers` threads that ask and tell until the study is complete.

    They follow the rule of every client: retry UNAVAILABLE alone, with the same request id; the next attempt goes to the
    next address. `asked` and `told` hold what has been acknowledged to them.
    """

    def __init__(self, addresses: Sequence[str], study: str, *, workers: int) -> None:
        self.asked: dict[str, trial_pb2.Trial] = {}
        self.told: dict[str, float] = {}
        self.retries = 0
        self._addresses = addresses
        self._study = study
        self._pool = ThreadPoolExecutor(workers)
        self._working: list[Future[None]] = [self._pool.submit(self._work, index) for index in range(workers)]

    def wait_for(self, told: int) -> None:
        """Returns when so many results have been acknowledged."""
        eventually(
            lambda: len(self.told) >= told or any(worker.done() for worker in self._working),
            what=f"{told} results",
            timeout_s=PATIENCE_S,
        )
        assert len(self.told) >= told, [worker.exception() for worker in self._working if worker.done()]

    def wait_for_retries(self) -> None:
        """Returns when a worker has been told UNAVAILABLE and calls again."""
        before = self.retries
        eventually(lambda: self.retries > before, what="a worker that notices", timeout_s=PATIENCE_S)

    @property
    def is_working(self) -> bool:
        """There is still something to do."""
        return not all(worker.done() for worker in self._working)

    def finish(self) -> None:
        """Returns when all workers have seen the study complete."""
        for worker in self._working:
            worker.result(timeout=PATIENCE_S)

    def _work(self, index: int) -> None:
        first = index % len(self._addresses)
        rpcs = [Rpc(address) for address in (*self._addresses[first:], *self._addresses[:first])]
        try:
            while (trial := self._ask(rpcs, index)) is not None:
                self.asked[trial.name] = trial
                self._run(rpcs, trial)
        finally:
            for rpc in rpcs:
                rpc.close()

    def _run(self, rpcs: list[Rpc], trial: trial_pb2.Trial) -> None:
        report = trial_service_pb2.ReportRequest(name=trial.name, lease_id=trial.lease_id)
        assert self._persist(rpcs, lambda rpc: rpc.trials.Report(report)).lease_valid
        told = tell_request(trial, loss_of(trial), request_id=str(uuid.uuid4()))
        answer = self._persist(rpcs, lambda rpc: rpc.trials.Tell(told))
        assert not answer.superseded
        self.told[trial.name] = answer.trial.metrics["loss"].value

    def _ask(self, rpcs: list[Rpc], index: int) -> trial_pb2.Trial | None:
        """A trial; None when the study is complete."""
        request = trial_service_pb2.AskRequest(
            study=self._study, worker_id=f"worker-{index}", request_id=str(uuid.uuid4())
        )

        def probe() -> Any:
            try:
                return self._persist(rpcs, lambda rpc: rpc.trials.Ask(request))
            except grpc.RpcError as error:
                reason = refusal(error).reason
                if reason == "STUDY_COMPLETE":
                    return reason
                assert reason == "NO_TRIAL_AVAILABLE", reason  # the others still run the last ones
                return None

        answer = eventually(probe, what="a trial or the end", timeout_s=PATIENCE_S, interval_s=0.05)
        return None if answer == "STUDY_COMPLETE" else answer.trials[0]

    def _persist(self, rpcs: list[Rpc], call: Callable[[Rpc], T]) -> T:
        def attempt() -> T | None:
            try:
                return call(rpcs[0])
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                self.retries += 1
                rpcs.append(rpcs.pop(0))
                return None

        answer = eventually(attempt, what="an answer", timeout_s=PATIENCE_S, interval_s=0.05)
        assert answer is not None
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


class Follower:
    """Watches a study through crashes: whenever the stream breaks it goes on from its last cursor."""

    def __init__(self, addresses: Sequence[str], study: str) -> None:
        self.changes: list[trial_service_pb2.WatchStudyResponse] = []
        self.resumed = 0
        self._rpcs = [Rpc(address) for address in addresses]
        self._study = study
        self._call: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            cursor = self.changes[-1].cursor if self.changes else ""
            request = trial_service_pb2.WatchStudyRequest(study=self._study, cursor=cursor)
            self._call = self._rpcs[0].trials.WatchStudy(request, timeout=300)
            try:
                for change in self._call:
                    self.changes.append(change)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    return
            self.resumed += 1
            self._rpcs.append(self._rpcs.pop(0))
            self._stopping.wait(0.05)

    def story(self, *, until: str) -> list[trial_service_pb2.WatchStudyResponse]:
        """All changes, as soon as the one at cursor `until` has come."""
        eventually(lambda: self.changes and self.changes[-1].cursor == until, what="the last change")
        return list(self.changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        while self._thread.is_alive():
            self._call.cancel()
            self._thread.join(0.05)
        for rpc in self._rpcs:
            rpc.close()


def assert_nothing_lost_and_nothing_doubled(study: StudyCalls, crew: Crew, follower: Follower, *, budget: int) -> None:
    """The ledger holds exactly what was acknowledged, and the log tells it exactly once."""
    trials = {trial.name: trial for trial in study.list_trials(page_size=1000)}
    assert sorted(trial.number for trial in trials.values()) == list(range(1, budget + 1))
    assert set(trials) == set(crew.asked) == set(crew.told)
    for name, asked in crew.asked.items():
        trial = trials[name]
        assert trial.parameters == asked.parameters
        assert (trial.lease_id, trial.attempt, trial.worker_id) == (asked.lease_id, 1, asked.worker_id)
        assert trial.state == trial_pb2.TRIAL_STATE_SUCCEEDED
        assert trial.metrics["loss"].value == crew.told[name] == loss_of(asked)
        assert not trial.superseded_results
    assert len({raw_values(trial)["x"] for trial in trials.values()}) == budget
    finished = study.get()
    assert finished.trial_counts.succeeded == budget
    assert finished.finish_reason == study_pb2.FINISH_REASON_MAX_TRIALS

    end = study.get().cursor
    with study.watch() as watch:
        whole = watch.until(end)
    assert follower.story(until=end) == whole
    positions = [int(change.cursor.rpartition(":")[2]) for change in whole]
    assert positions == list(range(1, len(whole) + 1))
    told = [change.trial.name for change in whole if change.trial.state == trial_pb2.TRIAL_STATE_SUCCEEDED]
    assert sorted(told) == sorted(trials), "each result is in the log once"
