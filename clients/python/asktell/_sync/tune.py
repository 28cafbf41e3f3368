"""The whole loop in one call: a server, a study, workers, and what came of it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Unpack

from asktell._core.course import Catch
from asktell._core.frames import FrameMaker, frame_maker
from asktell._core.values import whole
from asktell._sync.client import Client
from asktell._sync.optimize import Function
from asktell._sync.own_server import OwnServer
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.errors import NoResult
from asktell.records import StudyState
from asktell.spaces import ParameterValue, Space
from asktell.spec import Objective
from asktell.study_spec import SpecOptions, StudyOptions

logger = logging.getLogger("asktell")

TRIALS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What came of `tune`.

    `trials` are all of the study, by number. `best_trials` has the best one, or with several objectives the Pareto front; it is empty where
    no trial has a result that keeps the constraints.
    """

    study: str
    trials: list[Trial] = field(repr=False)
    best_trials: list[Trial]
    _frame: Any = field(repr=False)

    @property
    def best_trial(self) -> Trial:
        """The best trial. Raises NoResult: there is none. ValueError: there are several, since there are several objectives."""
        if not self.best_trials:
            raise NoResult(f"no trial of {self.study} has a result that counts")
        [best, *others] = self.best_trials
        if others:
            raise ValueError("with several objectives there is no single best trial: see best_trials")
        return best

    @property
    def best_params(self) -> Mapping[str, ParameterValue]:
        """The configuration of the best trial. Raises as `best_trial`."""
        return self.best_trial.params

    def dataframe(self, library: str | None = None) -> Any:
        """As `Study.dataframe`. Raises ModuleNotFoundError: neither pandas nor polars is installed."""
        make: FrameMaker = frame_maker(library)
        return make([trial.message for trial in self.trials], self._frame)


def tune(
    function: Function,
    space: Space,
    objectives: Objective | Sequence[Objective],
    *,
    trials: int = TRIALS,
    workers: int = 1,
    study: str = "tune",
    data_dir: str | os.PathLike[str] | None = None,
    address: str | None = None,
    catch: Catch = Exception,
    progress: bool | None = None,
    **options: Unpack[SpecOptions],
) -> Tuned:
    """Tunes a function: starts a server of its own, runs trial after trial, and returns what came of it.

    `function` is as in `Study.optimize`: it gets the trial, and returns the objective's value or metrics by name.

    Args:
        space: the parameters by name.
        objectives: `Minimize("val_loss")`, or a list of up to 6 such.
        trials: how many the study has in all.
        workers: how many processes run trials at the same time, this one among them. With several, the function must be defined at the top of
            a module, and a script needs `if __name__ == "__main__":` around the call, as always with processes.
        study: the study's id; with a `data_dir`, or an `address`, the same id goes on with the same study.
        data_dir: where the results are kept; None = nowhere, they are only returned.
        address: of a server that is there, in place of one of its own; it may also be named by ASKTELL_ADDRESS.
        catch: exceptions that fail a trial and nothing else.
        progress: a bar with the best value so far; None = on a terminal or in a notebook.
        options: anything else that a study may have, as in `create_study`.

    Raises:
        TypeError: with several workers, the function cannot be found by its name. ModuleNotFoundError: the package asktell-server is
            not installed, and no address is given. RuntimeError: the server cannot start. StudyExists: the study is there with
            another space or other objectives. And what `Study.optimize` raises.
    """
    if whole(workers, "workers") < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if "max_trials" in options:
        raise TypeError("tune() takes trials in place of max_trials")
    if workers > 1:
        _require_importable(function)
    with _server(address, data_dir) as (where, token), Client(where, token=token) as client:
        spec: StudyOptions = {**options, "space": space, "objectives": objectives, "max_trials": trials}
        here = client.create_study(study, exist_ok=True, **spec)
        if here.max_trials != trials:
            here.update(max_trials=trials)
        if here.state is not StudyState.FINISHED:
            with _others(workers - 1, where, token, here, function, catch):
                here.optimize(function, catch=catch, progress=progress)
        return _result(here.refresh())


@contextlib.contextmanager
def _server(address: str | None, data_dir: str | os.PathLike[str] | None) -> Iterator[tuple[str | None, str | None]]:
    """The address and the token of a server; None = as the environment says."""
    if address is not None or os.environ.get("ASKTELL_ADDRESS"):
        if data_dir is not None:
            raise ValueError(
                "data_dir is for a server of its own: give either data_dir or address (or ASKTELL_ADDRESS)"
            )
        yield address, None
        return
    with OwnServer(None if data_dir is None else Path(data_dir)) as own:
        yield own.address, own.token


@contextlib.contextmanager
def _others(
    count: int, address: str | None, token: str | None, study: Study, function: Function, catch: Catch
) -> Iterator[None]:
    """Further workers in processes of their own. At the end they finish their trials, unless the study did not come to its end."""
    context = multiprocessing.get_context("spawn")  # a fork of a process with gRPC's threads hangs
    processes: list[BaseProcess] = [
        context.Process(target=_work, args=(address, token, study.name, function, catch), name=f"worker-{number}")
        for number in range(2, count + 2)
    ]
    for process in processes:
        process.start()
    try:
        yield
    except BaseException:
        _interrupt(processes)
        raise
    if processes and study.refresh().state is not StudyState.FINISHED:
        _interrupt(processes)
    for process in processes:
        process.join()
        if process.exitcode:
            logger.warning("%s ended with exit code %d; its trials went to the others", process.name, process.exitcode)


def _work(address: str | None, token: str | None, study: str, function: Function, catch: Catch) -> None:
    with Client(address, token=token) as client:
        client.study(study).optimize(function, catch=catch, progress=False)


def _interrupt(processes: Sequence[BaseProcess]) -> None:
    """As Ctrl-C does: they give their trials back."""
    for process in processes:
        if process.is_alive() and process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)


def _require_importable(function: Function) -> None:
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            "with several workers the function must be defined at the top of a module, since each worker is a process that "
            f"imports it: {error}"
        ) from None


def _result(study: Study) -> Tuned:
    return Tuned(study=study.name, trials=study.trials(), best_trials=_feasible(study), _frame=study._names)  # noqa: SLF001


def _feasible(study: Study) -> list[Trial]:
    return [trial for trial in study.best_trials(1) if not trial.violation]
