"""The executor of the Python client: actions in, results out (see ../README.md)."""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import asktell
from asktell.v1 import study_pb2, trial_pb2
from tests.conformance import schema
from tests.conformance.executors import python_results as results
from tests.conformance.executors import python_specs as specs
from tests.conformance.framing import read_frame, write_frame


class PythonExecutor:
    """Does what it is told on the public API of `asktell`. One method for each kind of action."""

    def __init__(self) -> None:
        self._clients: dict[str, asktell.Client] = {}
        self._studies: dict[str, asktell.Study] = {}
        self._trials: dict[str, asktell.Trial] = {}
        self._watches: dict[str, Iterator[asktell.Change]] = {}
        self._cursors: dict[str, str] = {}

    def execute(self, action: Any) -> Any:
        """The result of an action."""
        kind = action.WhichOneof("kind")
        method: Callable[[Any], Any] = getattr(self, kind)
        try:
            return method(getattr(action, kind))
        except (asktell.AsktellError, TypeError, ValueError) as error:
            return results.failed(error)

    def reset(self, _: Any) -> Any:
        for client in self._clients.values():
            with contextlib.suppress(asktell.AsktellError):
                client.close()
        self.__init__()  # type: ignore[misc] # as new
        return results.done()

    def create_client(self, action: Any) -> Any:
        options: dict[str, Any] = {}
        if action.token:
            options["token"] = action.token
        if action.tls_ca_file:
            options["root_certificates"] = action.tls_ca_file
        if action.timeout_ms:
            options["timeout_s"] = options["slow_timeout_s"] = action.timeout_ms / 1000
        if action.worker_id:
            options["worker_id"] = action.worker_id
        self._clients[action.client] = asktell.Client(",".join(action.addresses) or None, **options)
        return results.done()

    def close_client(self, action: Any) -> Any:
        self._clients.pop(action.client).close()
        return results.done()

    def create_study(self, action: Any) -> Any:
        client = self._clients[action.client]
        if action.WhichOneof("source") == "study_file":
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "study.yaml"
                path.write_text(action.study_file, encoding="utf-8")
                handle = client.create_study_from_file(path, exist_ok=action.exist_ok)
        else:
            handle = client.create_study(action.study_id, exist_ok=action.exist_ok, **specs.spec(action.spec))
        return self._keep_study(action.study, handle)

    def open_study(self, action: Any) -> Any:
        return self._keep_study(action.study, self._clients[action.client].study(action.study_id))

    def _keep_study(self, name: str, handle: asktell.Study) -> Any:
        self._studies[name] = handle
        return results.study(handle)

    def get_study(self, action: Any) -> Any:
        return results.study(self._studies[action.study].refresh())

    def update_study(self, action: Any) -> Any:
        study = self._studies[action.study]
        if action.WhichOneof("change") == "max_trials":
            study.update(max_trials=action.max_trials, etag=study.etag if action.use_etag else None)
        else:
            name = study_pb2.StudyState.Name(action.state)
            {
                "STUDY_STATE_ACTIVE": study.resume,
                "STUDY_STATE_PAUSED": study.pause,
                "STUDY_STATE_FINISHED": study.finish,
            }[name]()
        return results.study(study)

    def delete_study(self, action: Any) -> Any:
        self._studies[action.study].delete()
        return results.done()

    def ask(self, action: Any) -> Any:
        wait: bool | float = True
        if action.HasField("wait_ms"):
            wait = action.wait_ms / 1000 if action.wait_ms else False
        study, worker_id = self._studies[action.study], action.worker_id or None
        options: asktell.AskOptions = {"worker_id": worker_id, "fixed": specs.values(action.fixed_parameters) or None}
        if action.cost_aware:
            options["cost_aware"] = True
        if action.HasField("count"):
            trials = study.ask(action.count, wait=wait, **options)
        else:
            trials = [study.ask(wait=wait, **options)]
        return self._keep_trials(action.trials, trials)

    def _keep_trials(self, names: Sequence[str], trials: Sequence[asktell.Trial]) -> Any:
        self._trials.update(zip(names, trials, strict=False))
        return results.trials(trials)

    def report(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        metrics = specs.metrics(action.metrics)
        if metrics:
            trial.report(metrics, step=action.step)
        else:
            trial.report()
        return results.trials([trial])

    def tell(self, action: Any) -> Any:
        trial, metrics = self._trials[action.trial], specs.metrics(action.metrics)
        match specs.outcome(action.outcome):
            case asktell.Outcome.SUCCEEDED:
                trial.tell(metrics)
            case asktell.Outcome.STOPPED:
                trial.stop(metrics, reason=action.reason)
            case asktell.Outcome.FAILED:
                trial.fail(action.reason, metrics)
            case asktell.Outcome.INFEASIBLE:
                trial.infeasible(action.reason, metrics)
        return results.trials([trial])

    def release(self, action: Any) -> Any:
        self._trials[action.trial].release()
        return results.done()

    def cancel(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        trial.cancel(action.reason)
        return results.trials([trial])

    def amend(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        trial.amend(specs.metrics(action.metrics), reason=action.reason, outcome=specs.outcome(action.outcome))
        return results.trials([trial])

    def peek_trial(self, action: Any) -> Any:
        return results.trials([self._trials[action.trial]])

    def get_trial(self, action: Any) -> Any:
        trial = self._studies[action.study].trial(action.number)
        return self._keep_trials([action.trial] if action.trial else [], [trial])

    def list_trials(self, action: Any) -> Any:
        wanted = action.filter
        states = [trial_pb2.TrialState.Name(state).removeprefix("TRIAL_STATE_") for state in wanted.states]
        study = self._studies[action.study]
        return results.trials(
            study.trials(states=states or None, worker_id=wanted.worker_id, labels=dict(wanted.labels))
        )

    def best(self, action: Any) -> Any:
        study = self._studies[action.study]
        return results.trials(study.best_trials(action.count or 1))

    def enqueue(self, action: Any) -> Any:
        study, first = self._studies[action.study], action.trials[0]
        trials = study.enqueue(
            [specs.values(each.parameters) for each in action.trials],
            labels=dict(first.labels),
            annotations=dict(first.annotations),
            continue_from=first.continue_from or None,
        )
        return self._keep_trials(action.handles, trials)

    def import_trials(self, action: Any) -> Any:
        study = self._studies[action.study]
        return results.trials(study.import_trials([specs.imported(each) for each in action.trials]))

    def start_watch(self, action: Any) -> Any:
        study, cursor = self._studies[action.study], ""
        match action.WhichOneof("start"):
            case "from_study_cursor":
                cursor = study.cursor
            case "after_watch":
                cursor = self._cursors[action.after_watch]
        self._watches[action.watch] = study.watch(cursor)
        return results.done()

    def next_changes(self, action: Any) -> Any:
        changes = list(itertools.islice(self._watches[action.watch], action.count))
        self._cursors[action.watch] = changes[-1].cursor
        return results.changes(changes)

    def stop_watch(self, action: Any) -> Any:
        self._watches.pop(action.watch).close()  # type: ignore[attr-defined] # a generator, as every watch is
        return results.done()

    def analyse(self, action: Any) -> Any:
        study, question = self._studies[action.study], action.WhichOneof("question")
        asked = getattr(action, question)
        metric = getattr(asked, "metric", "") or None
        match question:
            case "importances":
                items = len(study.importances(metric)) + len(study.interactions(metric))
            case "predict":
                configurations = [specs.values(each.parameters) for each in asked.configurations]
                items = len(study.predict(configurations, metric=metric))
            case "slice":
                reference, resolution = specs.values(asked.reference) or None, asked.resolution or None
                found = study.slice(*asked.parameters, reference=reference, resolution=resolution, metric=metric)
                items = len(found.points)
            case "cross_validate":
                items = len(study.cross_validate(metric).results)
            case "trade_offs":
                items = len(study.trade_offs())
            case _:
                items = len(study.health().findings)
        return results.analysis(items)

    def suggest(self, action: Any) -> Any:
        request, problem = action.request, action.request.problem
        suggestions = self._clients[action.client].suggest(
            specs.space(problem.search_space),
            specs.objectives(problem.objectives),
            [specs.observation(each) for each in request.observations],
            parameter_constraints=list(problem.search_space.parameter_constraints),
            outcome_constraints=specs.constraints(problem.outcome_constraints),
            pending=[specs.values(each.parameters) for each in request.pending],
            count=request.count or 1,
            algorithm=specs.algorithm(problem.algorithm),
            seed=request.seed,
            cost=problem.cost_metric,
            cost_aware=request.cost_aware,
            fixed=specs.values(request.fixed_parameters),
        )
        return results.suggestions(suggestions)


def main() -> None:
    """Serves actions until stdin ends."""
    executor = PythonExecutor()
    while (payload := read_frame(sys.stdin.buffer)) is not None:
        result = executor.execute(schema.Action.FromString(payload))
        write_frame(sys.stdout.buffer, result.SerializeToString())


if __name__ == "__main__":
    main()
