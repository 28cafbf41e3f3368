"""The handle of a study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self, Unpack, overload

from asktell._core.ask_options import AskOptions
from asktell._core.course import FAILURES_IN_A_ROW, Catch
from asktell._core.frames import frame_maker
from asktell._core.leases import Lease
from asktell._core.study_actions import Params, States
from asktell._core.study_view import StudyView
from asktell._core.watch import Change, decode_change
from asktell._sync.analysed import AnalysedStudy
from asktell._sync.optimize import Function, optimize
from asktell._sync.plots import Plots
from asktell._sync.session import Session
from asktell._sync.trial import Trial
from asktell.comparison import Comparison
from asktell.records import BestByModel, HypervolumePoint, ImportedTrial
from asktell.spaces import ParameterValue
from asktell.study_spec import StudyChanges
from asktell.v1 import study_pb2, trial_pb2


class Study(AnalysedStudy):
    """A study. Its properties are those of the last answer; `refresh()` reads them anew."""

    def __init__(self, session: Session, message: study_pb2.Study) -> None:
        """Use `Client.create_study` or `Client.study`."""
        super().__init__(session, message)

    @overload
    def ask(self, count: None = None, *, wait: bool | float = True, **options: Unpack[AskOptions]) -> Trial: ...
    @overload
    def ask(self, count: int, *, wait: bool | float = True, **options: Unpack[AskOptions]) -> list[Trial]: ...
    def ask(
        self, count: int | None = None, *, wait: bool | float = True, **options: Unpack[AskOptions]
    ) -> Trial | list[Trial]:
        """A trial to run, or with `count` a list of at most that many. It heartbeats itself while it is open.

        `wait`: when nothing can be handed out now, True waits, a number waits that many seconds, False does not. The other
        options are those of `AskOptions`.

        Raises:
            StudyComplete: there is nothing more to do. StudyPaused. QueueEmpty: manual search, nothing enqueued.
            NoTrialAvailable: not now, and the wait is over. FixedExhausted: nothing is left with the `fixed` values.
            ValueOutsideSpace: a fixed value is none of the space; a context parameter has none.
        """
        messages, taken_at = self._run(self._ask(count, wait, options))
        trials = [self._handle(message, self._session.lease(message, taken_at)) for message in messages]
        return trials[0] if count is None else trials

    def optimize(
        self,
        function: Function,
        *,
        trials: int | None = None,
        workers: int = 1,
        timeout_s: float | None = None,
        catch: Catch = Exception,
        max_failures_in_a_row: int | None = FAILURES_IN_A_ROW,
        progress: bool | None = None,
        ask: AskOptions | None = None,
        fixed: Mapping[str, ParameterValue] | None = None,
    ) -> Self:
        """Runs `function` for trial after trial, until the study is complete or `trials` have been run; returns the study.

        `function` gets the trial, and returns the objective's value or metrics by name; or it tells the trial itself and
        returns None. A trial whose function raises fails with the text of the exception. A bar on a terminal or in a
        notebook shows the best value so far (`progress=False` does not; the log `asktell` has every trial as INFO).

        One worker calls the function in this thread, several call it in threads of their own. Ctrl-C gives the running
        trials back and returns: with one worker at once, since it interrupts the function; with several when their
        functions have ended, which `trial.report` and `trial.should_stop` tell them to do. A second Ctrl-C does not wait.

        Args:
            trials: how many to run here, at most; None = until the study is complete.
            workers: how many at the same time.
            timeout_s: after so many seconds no more are begun; those at work come to their end.
            catch: exceptions that fail a trial and nothing else. Any other fails its trial, too, and is raised.
            max_failures_in_a_row: gives up after so many; None = never.
            ask: how each trial is asked for, in the words of `ask`: `{"cost_aware": True}`.
            fixed: values that every trial must have, as in `ask`; it ends when none is left with them.

        Raises:
            TooManyFailures: the last error is its `__cause__`. StudyPaused. InvalidArgument: the function returned
                something that is no result.
        """
        optimize(
            self,
            function,
            trials=trials,
            workers=workers,
            timeout_s=timeout_s,
            catch=catch,
            max_failures_in_a_row=max_failures_in_a_row,
            progress=progress,
            ask={**(ask or {}), **({} if fixed is None else {"fixed": fixed})},
        )
        return self

    @overload
    def enqueue(
        self,
        params: Params,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> Trial: ...
    @overload
    def enqueue(
        self,
        params: Iterable[Params],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> list[Trial]: ...
    def enqueue(
        self,
        params: Params | Iterable[Params],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> Trial | list[Trial]:
        """Queues a configuration of one's own, or several; they are handed out before the algorithm's.

        `continue_from`: the number of a trial that SUCCEEDED or was STOPPED, whose checkpoint they go on from.

        Raises:
            ValueOutsideSpace: a value that its domain does not have. StudyComplete.
        """
        trials = [self._handle(each) for each in self._run(self._enqueue(params, labels, annotations, continue_from))]
        return trials[0] if isinstance(params, Mapping) else trials

    def import_trials(self, trials: Iterable[ImportedTrial], *, validate_only: bool = False) -> list[Trial]:
        """Brings in past results, at most 1,000; one whose key the study already has is left as it is.

        `validate_only`: judges them and stores nothing. Raises InvalidArgument: `field` begins with `trials[i]`.
        """
        return [self._handle(each) for each in self._run(self._import(trials, validate_only))]

    def trials(
        self,
        *,
        states: States | None = None,
        worker_id: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> list[Trial]:
        """The trials by number, without measurements; all conditions hold together."""
        return [self._handle(each) for each in self._run(self._list(states, worker_id, labels))]

    def dataframe(
        self,
        library: Literal["pandas", "polars"] | None = None,
        *,
        states: States | None = None,
        worker_id: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Any:
        """The trials as a data frame: a row each, the columns of `Trial.to_dict()`. The conditions are those of `trials`.

        `library`: None takes pandas, or polars where pandas is not installed.

        Raises:
            ModuleNotFoundError: the library, or with None both of them, is not installed.
        """
        make = frame_maker(library)
        return make(self._run(self._list(states, worker_id, labels)), self._names)

    def trial(self, number: int) -> Trial:
        """One trial with its measurements. Raises TrialNotFound."""
        return self._handle(self._run(self._get_trial(number)))

    @property
    def best_trial(self) -> Trial:
        """The best trial so far, asked of the server at each access.

        Raises:
            NoResult: no trial has a result yet, or none keeps the outcome constraints; see `best_trials`.
            ValueError: the study has several objectives; see `pareto_front`.
        """
        return self._handle(self._run(self._best_one()))

    @property
    def best_params(self) -> dict[str, Any]:
        """The configuration of `best_trial`. Raises NoResult."""
        return self.best_trial.params

    @property
    def best_value(self) -> float:
        """The value of the objective, the first one of several, in `best_trial`. Raises NoResult."""
        return self.best_trial.metrics[self.objectives[0].metric]

    @property
    def plot(self) -> Plots:
        """Plots of the study: `history()`, `parallel()`, `slices()`, `curves()`; of its model: `importances()`, `interactions()`,
        `slice("lr")`, `contour("lr", "rank")`.
        """
        return Plots(self._session, self)

    @property
    def pareto_front(self) -> list[Trial]:
        """The feasible trials that no other one betters in all objectives, in the order of the first objective."""
        return [self._handle(each) for each in self._run(self._front())]

    @property
    def hypervolume(self) -> float | None:
        """What the Pareto front dominates, up to the objectives' references; None with one objective or no feasible trial."""
        return self._run(self._hypervolume())

    @property
    def hypervolume_history(self) -> list[HypervolumePoint]:
        """The hypervolume after each trial that added to it, with 2 to 4 objectives."""
        return self._run(self._hypervolume_history())

    @property
    def best_by_model(self) -> BestByModel[Trial] | None:
        """The best trial when noise is taken off: the one with the best mean of a model. None where results are not noisy, and with
        several objectives, where no single trial is best: see `pareto_front`.

        Where results differ from run to run (standard errors or replicates were told, or a model finds noise),
        `best_trial`, the best value, may have been lucky. None, too, while the server is too busy for a model.
        """
        best = self._run(self._best_by_model())
        if best is None:
            return None
        return BestByModel(
            trial=self._handle(best.trial),
            mean=best.mean,
            standard_deviation=best.standard_deviation,
            noise=best.noise,
        )

    def best_trials(self, count: int = 1) -> list[Trial]:
        """The best trials, best first; with several objectives the Pareto front, all of it.

        Where no trial keeps the outcome constraints: those that miss them least, with a `violation` above 0.
        """
        return [self._handle(each) for each in self._run(self._best(count))]

    def watch(self, cursor: str = "") -> Iterator[Change]:
        """Changes of the study as they happen, for ever, across restarts of the server.

        `cursor`: of the last change seen, or `Study.cursor` for what comes after that reading; "" = from the study's
        beginning. Raises StudyNotFound: the study was deleted.
        """
        watch = self._watch(cursor)
        try:
            while True:
                yield decode_change(self._run(watch.next()), self._names)
        finally:
            watch.close()

    def compare(self, left: int, right: int) -> Comparison:
        """Two trials side by side: parameters, metrics, what they ran with. `differing` first, then what is the same.

        Raises:
            TrialNotFound: there is no trial of that number.
        """
        return self._run(self._compare(left, right))

    def compare_with(self, other: StudyView | str) -> Comparison:
        """This study and another one, a handle or a name, side by side: the best values after equal numbers of trials, the best
        trials, parameters, settings, and what the trials ran with.

        Raises:
            StudyNotFound: there is no study of that name.
        """
        return self._run(self._compare_with(other))

    def pause(self) -> None:
        """Hands out no trials until `resume()`; results are still taken."""
        self._run(self._set_state(study_pb2.STUDY_STATE_PAUSED))

    def resume(self) -> None:
        """Hands out trials again, of a paused study or of one finished by request.

        Raises:
            StudyComplete: there is nothing more to do; `finish_reason` says which rule to change.
        """
        self._run(self._set_state(study_pb2.STUDY_STATE_ACTIVE))

    def finish(self) -> None:
        """Hands out no more trials; results of running ones are still taken."""
        self._run(self._set_state(study_pb2.STUDY_STATE_FINISHED))

    def update(self, *, etag: str | None = None, **changes: Unpack[StudyChanges]) -> None:
        """Changes rules, limits, labels, annotations; None takes a rule away. See `StudyChanges`.

        A study that a rule had finished is ACTIVE again when, by its changed rules, none holds any more.

        Raises:
            EtagMismatch: `etag` is given, and the study has changed since.
        """
        self._run(self._update(changes, etag))

    def reopen(
        self,
        *,
        decay: float | None = None,
        remeasure: int | None = None,
        keep: bool = False,
        more_trials: int | None = None,
        etag: str | None = None,
    ) -> None:
        """Goes on with a study whose data has changed, whatever its state: a new data epoch with a new budget.

        The best trial is from then on the best one of the present data. One of the first three is required; `docs/reopening.md`.

        Args:
            decay: what all earlier results count from then on, as a part of what they counted before: above 0, at most 1.
            remeasure: the configurations of this many of the best trials are measured again first; earlier results count half, or
                `decay`.
            keep: all results stay as they are.
            more_trials: the study ends when this many more trials have ended; by default as many as the last epoch had.
            etag: as in `update`.

        Raises:
            InvalidArgument: an argument is out of range, or none of the three is given.
            StudyComplete: a rule would end it at once, such as a deadline that has passed.
        """
        self._run(self._reopen(decay=decay, remeasure=remeasure, keep=keep, more_trials=more_trials, etag=etag))

    def delete(self, *, etag: str | None = None) -> None:
        """Deletes the study with all its trials; this cannot be undone. `etag` as in `update`."""
        self._run(self._delete(etag))

    def refresh(self) -> Self:
        """Reads the study anew."""
        self._run(self._refresh())
        return self

    def _handle(self, message: trial_pb2.Trial, lease: Lease | None = None) -> Trial:
        return Trial(self._session, message, self._names, lease)
