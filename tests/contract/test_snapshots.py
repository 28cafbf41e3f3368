"""Snapshots: what a store keeps of them, and that a view made of one is the view that read everything."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asktell_server.domain import standings
from asktell_server.domain.errors import NotFound
from asktell_server.domain.metrics import Metric
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from asktell_server.service import snapshots as snapshots_module
from asktell_server.service import view_parts
from asktell_server.service.snapshot_parts import Manifest, read_part
from asktell_server.service.snapshots import Snapshots
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Commit, Ledger, Snapshot, StudyDelta, TrialRecord, TrialWrite
from tests.support.ledger import NOW, a_study, commit, measured, put, queued, running, told, until, write

_PART = 25


async def _keep(ledger: Ledger, study: StudyName, sequence: int, *pieces: str) -> bool:
    head = await ledger.read_head(study)
    for piece in pieces:
        await ledger.write_piece(study, epoch=head.epoch, piece=piece, data=f"data of {piece}".encode() + b"\x00\xff")
    snapshot = Snapshot(epoch=head.epoch, sequence=sequence, manifest=b"\x00manifest\xff", pieces=pieces)
    return await ledger.keep_snapshot(study, snapshot)


async def test_a_snapshot_comes_back_as_it_was_kept(ledger: Ledger, study: StudyName) -> None:
    assert await ledger.read_snapshot(study) is None
    assert await _keep(ledger, study, 1, "a", "b")
    kept = await ledger.read_snapshot(study)
    assert kept is not None
    head = await ledger.read_head(study)
    assert (kept.epoch, kept.sequence, kept.manifest, list(kept.pieces)) == (
        head.epoch,
        1,
        b"\x00manifest\xff",
        ["a", "b"],
    )
    assert await ledger.read_pieces(study, ["b", "no", "a"]) == [b"data of b\x00\xff", None, b"data of a\x00\xff"]


async def test_a_later_snapshot_takes_the_place_and_an_earlier_one_does_not(ledger: Ledger, study: StudyName) -> None:
    assert await _keep(ledger, study, 1, "a", "b")
    await put(ledger, study, queued(0.5))
    assert await _keep(ledger, study, 2, "b", "c")
    assert await ledger.read_pieces(study, ["a", "b", "c"]) == [None, b"data of b\x00\xff", b"data of c\x00\xff"]
    assert not await _keep(ledger, study, 1, "a")
    kept = await ledger.read_snapshot(study)
    assert kept is not None
    assert (kept.sequence, list(kept.pieces)) == (2, ["b", "c"])


async def test_what_does_not_fit_is_not_kept(ledger: Ledger, study: StudyName) -> None:
    head = await ledger.read_head(study)
    snapshot = Snapshot(epoch=head.epoch, sequence=1, manifest=b"m", pieces=["missing"])
    assert not await ledger.keep_snapshot(study, snapshot)
    assert not await _keep(ledger, study, 2, "a")
    assert not await ledger.keep_snapshot(study, Snapshot(epoch="other", sequence=1, manifest=b"m", pieces=[]))
    await ledger.write_piece(study, epoch="other", piece="x", data=b"x")
    assert await ledger.read_pieces(study, ["x"]) == [None]
    assert await ledger.read_snapshot(study) is None


async def test_a_snapshot_goes_with_its_study(ledger: Ledger, study: StudyName) -> None:
    assert await _keep(ledger, study, 1, "a")
    await ledger.delete_study(study, expected_revision=None, request=None)
    with pytest.raises(NotFound):
        await ledger.read_snapshot(study)
    with pytest.raises(NotFound):
        await ledger.read_pieces(study, ["a"])
    await ledger.create_study(a_study(study), request=None)
    assert await ledger.read_snapshot(study) is None
    assert await ledger.read_pieces(study, ["a"]) == [None]


class Life:
    """A study that lives at random: trials of every kind, begun, reported, ended, amended and deleted."""

    def __init__(self, ledger: Ledger, study: StudyName, rng: random.Random) -> None:
        self._ledger = ledger
        self._study = study
        self._rng = rng
        self._trials: dict[int, Trial] = {}

    async def begin(self) -> None:
        """Three parts of trials at once, in a few commits."""
        for _ in range(3):
            await self._commit([write(self._new()) for _ in range(_PART)])

    async def go_on(self, changes: int) -> None:
        """Single changes, each on some trial."""
        for _ in range(changes):
            await self._change()

    async def _change(self) -> None:
        kind = self._rng.choice(("new", "tell", "tell", "report", "report", "report", "delete", "amend", "label"))
        trial = self._rng.choice(list(self._trials.values()))
        if kind == "new":
            await self._commit([write(self._new())])
        elif kind == "label":
            await self._commit([write(dataclasses.replace(trial, labels={"a": str(self._rng.random())}))])
        elif kind == "report" and trial.state is TrialState.RUNNING:
            measurement = measured(self._rng.randrange(40), self._rng.random())
            await self._ledger.report(
                self._study, trial.number, lease_id=trial.lease_id, lease_s=60, measurement=measurement, request=None
            )
        elif kind == "tell" and trial.state is TrialState.RUNNING:
            await self._commit([write(self._ended(trial))])
        elif kind == "amend" and trial.state is TrialState.SUCCEEDED:
            metrics = {"loss": Metric(value=self._rng.randrange(9), standard_error=0.5)}
            await self._commit([write(dataclasses.replace(trial, metrics=metrics))])
        elif kind == "delete" and trial.state is not TrialState.RUNNING:
            await self._commit([write(trial, delete=True)])

    def _new(self) -> Trial:
        kind, x = self._rng.choice(("queued", "running", "told", "told", "import")), self._rng.random()
        if kind == "queued":
            return queued(x)
        if kind == "import":
            return dataclasses.replace(told(running(x), self._rng.random()), origin=Origin.IMPORT)
        trial = running(x, f"lease-{x}")
        return trial if kind == "running" else self._ended(trial)

    def _ended(self, trial: Trial) -> Trial:
        if self._rng.random() < 0.2:
            failed = Result(state=TrialState.FAILED, reason="diverged")
            return trial.tell(failed, lease_id=trial.lease_id, now=NOW)[0]
        return told(trial, self._rng.randrange(9))

    async def _commit(self, writes: list[TrialWrite]) -> None:
        committed = await self._ledger.commit(self._study, Commit(writes=writes))
        for change, record in zip(writes, committed.records, strict=True):
            if change.delete:
                del self._trials[record.trial.number]
            else:
                self._trials[record.trial.number] = record.trial


def _all_of(view: StudyView) -> dict[str, Any]:
    """Everything that a view says."""
    numbers = list(view.trials)
    return {
        "sequence": view.sequence,
        "head": view.head,
        "trials": dict(view.trials),
        "queued": view.queued(10**6),
        "pending": view.pending(),
        "running": view.running,
        "history": list(view.history()),
        "ended": list(view.ended_numbers()),
        "surprise": view.surprise,
        "best": view.best(10**6),
        "run without gain": view.standings.run_without_gain,
        "measurements": {number: view.measurement_count(number) for number in numbers},
        "curves": {
            number: {
                metric: (list(curve.steps), list(curve.values)) for metric, curve in view.curves.of(number).items()
            }
            for number in numbers
        },
        "points": view.curves.points,
    }


async def _loaded(ledger: Ledger, study: StudyName, *, every: int) -> StudyView:
    view, _ = await Views(ledger, snapshots=Snapshots(ledger, every=every)).refresh(study)
    return view


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few trials, so that small studies have several."""
    monkeypatch.setattr(view_parts, "PART", _PART)


async def _compare(ledger: Ledger, study: StudyName, rng: random.Random) -> None:
    """Lets a study live, with snapshots now and then, and compares a view of the last one with a view of everything."""
    life = Life(ledger, study, rng)
    await life.begin()
    snapshots = Snapshots(ledger, every=30)
    followed = Views(ledger, snapshots=snapshots)
    await followed.refresh(study)
    for _ in range(3):
        await life.go_on(40)
        await followed.refresh(study)  # the next snapshot is written beside the changes
        await life.go_on(15)
    for _ in range(2):  # what has changed while a snapshot was written may be enough for another one
        await snapshots.settle()
        await followed.refresh(study)
    await snapshots.settle()
    kept = await ledger.read_snapshot(study)
    assert kept is not None
    assert kept.sequence > 3 * _PART + 30, "not the first one"
    restored, read = await _loaded(ledger, study, every=30), await _loaded(ledger, study, every=10**9)
    assert (restored.snapshot_sequence, read.snapshot_sequence) == (kept.sequence, 0)
    assert _all_of(restored) == _all_of(read)
    view, _ = await followed.refresh(study)
    assert _all_of(view) == _all_of(read)
    await snapshots.close()


async def test_a_view_of_a_snapshot_and_the_log_since_is_that_of_everything(ledger: Ledger, study: StudyName) -> None:
    await _compare(ledger, study, random.Random(1))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_whatever_the_study_has_been_through(rng: random.Random) -> None:
    async def run() -> None:
        ledger, name = MemoryLedger(), StudyName(project="default", study_id="random")
        await ledger.create_study(a_study(name), request=None)
        await _compare(ledger, name, rng)

    asyncio.run(run())


class Counted:
    """A store that counts the trials and changes that are read from it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def read_delta(self, *arguments: Any, **options: Any) -> StudyDelta:
        delta = await self._ledger.read_delta(*arguments, **options)
        self.read += len(delta.entries)
        return delta

    async def read_trials(self, *arguments: Any, **options: Any) -> Sequence[TrialRecord | None]:
        records = await self._ledger.read_trials(*arguments, **options)
        self.read += len(records)
        return records


async def _read_at_first(ledger: Ledger, study: StudyName) -> int:
    """How many trials and changes a server that starts reads besides the snapshot."""
    counted: Any = Counted(ledger)
    restored = await _loaded(counted, study, every=1000)
    assert _all_of(restored) == _all_of(await _loaded(ledger, study, every=10**9))
    read: int = counted.read
    return read


async def test_after_a_server_that_stopped_the_next_one_reads_nothing_but_the_snapshot(
    ledger: Ledger, study: StudyName
) -> None:
    life = Life(ledger, study, random.Random(2))
    await life.begin()
    first = Views(ledger, snapshots=Snapshots(ledger, every=1000))  # a fiftieth is worth a snapshot
    await first.refresh(study)
    await life.go_on(60)  # the view has not heard of these
    assert await ledger.read_snapshot(study) is None
    assert await _read_at_first(ledger, study) > 0
    await first.close()
    assert await _read_at_first(ledger, study) == 0
    second = Views(ledger, snapshots=Snapshots(ledger, every=1000))
    await second.refresh(study)
    await put(ledger, study, queued(0.5))
    kept = await ledger.read_snapshot(study)
    await second.close()
    assert await ledger.read_snapshot(study) == kept, "one change is not worth another snapshot"
    assert await _read_at_first(ledger, study) == 1


async def test_a_study_at_rest_gets_a_snapshot(ledger: Ledger, study: StudyName) -> None:
    views = Views(ledger, snapshots=Snapshots(ledger, every=1000), rest_s=0.0)
    await Life(ledger, study, random.Random(2)).begin()
    await views.refresh(study)
    await until(partial(ledger.read_snapshot, study), lambda kept: kept is not None)
    assert await _read_at_first(ledger, study) == 0
    await views.close()


class Hanging(MemoryLedger):
    """A store that takes no pieces of snapshots any more."""

    async def write_piece(self, name: StudyName, *, epoch: str, piece: str, data: bytes) -> None:
        await asyncio.Event().wait()


async def test_a_server_stops_although_snapshots_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    ledger, study = Hanging(), StudyName(project="default", study_id="hanging")
    await ledger.create_study(a_study(study), request=None)
    await Life(ledger, study, random.Random(2)).begin()
    views = Views(ledger, snapshots=Snapshots(ledger, every=1000), stop_s=0.05)
    await views.refresh(study)
    await views.close()
    assert "no snapshots of 1 studies" in caplog.text


async def test_a_study_that_is_gone_or_unknown_keeps_no_server_from_stopping(ledger: Ledger, study: StudyName) -> None:
    await Life(ledger, study, random.Random(2)).begin()
    views = Views(ledger, snapshots=Snapshots(ledger, every=1000))
    await views.refresh(study)
    await ledger.delete_study(study, expected_revision=None, request=None)
    await views.close()
    with pytest.raises(NotFound):
        await ledger.read_snapshot(study)


async def _with_snapshot(ledger: Ledger, study: StudyName) -> Snapshot:
    await commit(ledger, study, *(write(told(running(n / 100), float(n))) for n in range(50)))
    snapshots = Snapshots(ledger, every=10)
    await Views(ledger, snapshots=snapshots).refresh(study)
    await snapshots.settle()
    kept = await ledger.read_snapshot(study)
    assert kept is not None
    return kept


async def test_the_collector_does_not_stop_all_threads_while_a_snapshot_is_read(
    ledger: Ledger, study: StudyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _with_snapshot(ledger, study)
    seen: list[bool] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            seen.append(gc.isenabled())
            return function(*arguments)

        return noted

    monkeypatch.setattr(snapshots_module, "read_part", noting(read_part))
    monkeypatch.setattr(standings, "best_first", noting(standings.best_first))
    await _loaded(ledger, study, every=10)
    assert seen.count(False) == len(seen) > 2
    assert gc.isenabled()


def _other_form(snapshot: Snapshot) -> Snapshot:
    return dataclasses.replace(snapshot, manifest=bytes([99]) + snapshot.manifest[1:])


def _flipped(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("form", "sealed with schema 99"),
        ("manifest", "its checksum is wrong"),
        ("piece", "its checksum is wrong"),
        ("lost", "a piece of it is missing"),
        ("counts", "the store counts 50"),
    ],
)
async def test_a_snapshot_that_cannot_be_used_is_left_alone_with_a_line_in_the_log(
    ledger: Ledger, study: StudyName, harm: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = await _with_snapshot(ledger, study)
    whole = _all_of(await _loaded(ledger, study, every=10**9))
    piece, *others = kept.pieces
    (data,) = await ledger.read_pieces(study, [piece])
    assert data is not None
    match harm:
        case "form":
            assert await ledger.keep_snapshot(study, _other_form(kept))
        case "manifest":
            assert await ledger.keep_snapshot(study, dataclasses.replace(kept, manifest=_flipped(kept.manifest)))
        case "piece":
            await ledger.write_piece(study, epoch=kept.epoch, piece=piece, data=_flipped(data))
        case "lost":
            assert await ledger.keep_snapshot(study, dataclasses.replace(kept, pieces=others))
        case "counts":
            empty = Manifest(parts={})
            assert await ledger.keep_snapshot(study, dataclasses.replace(kept, manifest=empty.sealed()))
    snapshots = Snapshots(ledger, every=10)
    with caplog.at_level(logging.WARNING):
        view, _ = await Views(ledger, snapshots=snapshots).refresh(study)
    assert said in caplog.text
    assert _all_of(view) == whole
    await snapshots.settle()
    anew = await _loaded(ledger, study, every=10)
    assert anew.snapshot_sequence == kept.sequence, "it has been written anew"
    assert _all_of(anew) == whole


async def test_a_large_part_is_stored_in_pieces_and_a_snapshot_that_is_too_large_not_at_all(
    ledger: Ledger, study: StudyName, caplog: pytest.LogCaptureFixture
) -> None:
    noise = random.Random(3)
    trials = [dataclasses.replace(queued(0.5), annotations={"n": noise.randbytes(24_000).hex()}) for _ in range(20)]
    await commit(ledger, study, *(write(trial) for trial in trials))
    small = Snapshots(ledger, every=10, max_bytes=100_000)
    await Views(ledger, snapshots=small).refresh(study)
    await small.settle()
    assert "no snapshot" in caplog.text
    assert await ledger.read_snapshot(study) is None
    snapshots = Snapshots(ledger, every=10)
    await Views(ledger, snapshots=snapshots).refresh(study)
    await snapshots.settle()
    kept = await ledger.read_snapshot(study)
    assert kept is not None
    assert len(kept.pieces) > 1
    restored, read = await _loaded(ledger, study, every=10), await _loaded(ledger, study, every=10**9)
    assert restored.snapshot_sequence == kept.sequence
    assert _all_of(restored) == _all_of(read)


async def test_nothing_stays_of_a_later_snapshot_that_turns_out_too_large(
    ledger: Ledger, study: StudyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await _with_snapshot(ledger, study)
    noise = random.Random(3)
    trials = [dataclasses.replace(queued(0.5), annotations={"n": noise.randbytes(24_000).hex()}) for _ in range(20)]
    await commit(ledger, study, *(write(trial) for trial in trials))
    written: list[str] = []
    write_piece = ledger.write_piece

    async def noting(name: StudyName, *, epoch: str, piece: str, data: bytes) -> None:
        written.append(piece)
        await write_piece(name, epoch=epoch, piece=piece, data=data)

    monkeypatch.setattr(ledger, "write_piece", noting)
    small = Snapshots(ledger, every=10, max_bytes=100_000)
    await Views(ledger, snapshots=small).refresh(study)
    await small.settle()
    assert written
    assert not set(written) & set(kept.pieces)
    assert await ledger.read_pieces(study, written) == [None] * len(written)
    still = await ledger.read_snapshot(study)
    assert still is not None
    assert (still.sequence, list(still.pieces)) == (kept.sequence, list(kept.pieces))
    assert None not in await ledger.read_pieces(study, kept.pieces)


async def test_two_servers_that_write_at_once_leave_one_whole_snapshot(ledger: Ledger, study: StudyName) -> None:
    life = Life(ledger, study, random.Random(5))
    await life.begin()
    servers = [Snapshots(ledger, every=50) for _ in range(2)]
    views = [Views(ledger, snapshots=snapshots) for snapshots in servers]
    await asyncio.gather(*(each.refresh(study) for each in views))
    await asyncio.gather(*(snapshots.settle() for snapshots in servers))
    restored, read = await _loaded(ledger, study, every=50), await _loaded(ledger, study, every=10**9)
    assert restored.snapshot_sequence > 0
    assert _all_of(restored) == _all_of(read)
