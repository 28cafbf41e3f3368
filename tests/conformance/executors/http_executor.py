"""The executor of plain HTTP and JSON: no client library and no generated code of asktell's between it and the server.

The protobuf here is the corpus's own (actions in, results out): its JSON form is what goes over HTTP.
"""

from __future__ import annotations

import os
import random
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf import json_format

from tests.conformance import schema
from tests.conformance.executors import http_results as results
from tests.conformance.executors.http_calls import Caller, CallError, Json
from tests.conformance.executors.http_trials import OpenTrial
from tests.conformance.framing import read_frame, write_frame

PAGE_SIZE = 500


_ANALYSES = {
    "importances": ("GetImportances", "importances"),
    "predict": ("PredictOutcomes", "predictions"),
    "slice": ("GetSlice", "points"),
    "cross_validate": ("CrossValidate", "results"),
    "trade_offs": ("GetTradeOffs", "tradeOffs"),
    "health": ("GetHealth", "findings"),
}
"""How each question is asked, and what of its answer is counted."""


class HttpExecutor:
    """One method for each kind of action."""

    def __init__(self) -> None:
        self._callers: dict[str, tuple[Caller, str]] = {}
        self._open: dict[str, list[OpenTrial]] = {}
        self._studies: dict[str, tuple[str, Json]] = {}  # client, message
        self._trials: dict[str, OpenTrial] = {}
        self._watches: dict[str, Iterator[Json]] = {}
        self._cursors: dict[str, str] = {}

    def execute(self, action: Any) -> Any:
        """The result of an action."""
        kind = action.WhichOneof("kind")
        method: Callable[[Any], Any] = getattr(self, kind)
        try:
            return method(getattr(action, kind))
        except CallError as error:
            return results.failed(error)

    def reset(self, _: Any) -> Any:
        for client in list(self._callers):
            self._close(client)
        self.__init__()  # type: ignore[misc] # as new
        return results.done()

    def create_client(self, action: Any) -> Any:
        environment = os.environ
        certificates = action.tls_ca_file or environment.get("ASKTELL_TLS_CA")
        caller = Caller(
            addresses=list(action.addresses) or environment["ASKTELL_ADDRESS"].split(","),
            token=action.token or environment.get("ASKTELL_TOKEN", ""),
            tls=ssl.create_default_context(cafile=certificates) if certificates else None,
        )
        if action.timeout_ms:
            caller.timeout_s = caller.ask_timeout_s = action.timeout_ms / 1000
        self._callers[action.client] = caller, action.worker_id or f"http:{os.getpid()}"
        self._open[action.client] = []
        return results.done()

    def close_client(self, action: Any) -> Any:
        self._close(action.client)
        return results.done()

    def _close(self, client: str) -> None:
        for trial in self._open.pop(client, ()):
            trial.give_back()
        self._callers.pop(client)

    def create_study(self, action: Any) -> Any:
        if action.WhichOneof("source") == "study_file":
            body: Json = {"studyFile": action.study_file}
        else:
            body = {"studyId": action.study_id, "study": json_format.MessageToDict(action.spec)}
        caller, _ = self._callers[action.client]
        body |= {"existOk": action.exist_ok, "requestId": str(uuid.uuid4())}
        study = caller("StudyService/CreateStudy", body)
        return self._keep_study(action.study, action.client, study)

    def open_study(self, action: Any) -> Any:
        caller, _ = self._callers[action.client]
        return self._keep_study(action.study, action.client, caller("StudyService/GetStudy", {"name": action.study_id}))

    def _keep_study(self, name: str, client: str, study: Json) -> Any:
        self._studies[name] = client, study
        result = schema.Result()
        json_format.ParseDict(study, result.study)
        return result

    def _study(self, name: str) -> tuple[Caller, str]:
        client, study = self._studies[name]
        return self._callers[client][0], study["name"]

    def get_study(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        client = self._studies[action.study][0]
        return self._keep_study(action.study, client, caller("StudyService/GetStudy", {"name": name}))

    def update_study(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        client, known = self._studies[action.study]
        if action.WhichOneof("change") == "max_trials":
            study: Json = {"name": name, "stoppingRules": {"maxTrials": action.max_trials}}
            mask = "stoppingRules.maxTrials"
        else:
            study, mask = {"name": name, "state": action.state}, "state"
        if action.use_etag:
            study["etag"] = known["etag"]
        body = {"study": study, "updateMask": mask, "requestId": str(uuid.uuid4())}
        return self._keep_study(action.study, client, caller("StudyService/UpdateStudy", body))

    def delete_study(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        caller("StudyService/DeleteStudy", {"name": name, "requestId": str(uuid.uuid4())})
        return results.done()

    def ask(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        client = self._studies[action.study][0]
        wait_s = action.wait_ms / 1000 if action.HasField("wait_ms") else float("inf")
        give_up_at = time.monotonic() + wait_s
        body: Json = {"study": name, "workerId": action.worker_id or self._callers[client][1]}
        if action.HasField("count"):
            body["count"] = action.count
        fixed = json_format.MessageToDict(action).get("fixedParameters")
        if fixed:
            body["fixedParameters"] = fixed
        if action.cost_aware:
            body["costAware"] = True
        answer: Json | None = None
        while answer is None:
            try:
                answer = caller("TrialService/Ask", {**body, "requestId": str(uuid.uuid4())})
            except CallError as error:
                delay = (error.retry_after_s or 1.0) * random.uniform(1.0, 1.2)
                waits = error.reason in {"NO_TRIAL_AVAILABLE", "OVERLOADED"}
                if not waits or time.monotonic() + delay > give_up_at:
                    raise
                time.sleep(delay)
        trials = [OpenTrial(caller, message, asked=True) for message in answer["trials"]]
        self._open[client] += trials
        return self._keep_trials(action.trials, trials)

    def _keep_trials(self, names: Sequence[str], trials: Sequence[OpenTrial]) -> Any:
        self._trials.update(zip(names, trials, strict=False))
        return results.trials(trials)

    def _read(self, caller: Caller, answer: Json, names: Sequence[str] = ()) -> Any:
        return self._keep_trials(names, [OpenTrial(caller, each, asked=False) for each in answer.get("trials", ())])

    def report(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        trial.report(action.step, json_format.MessageToDict(action).get("metrics", {}))
        return results.trials([trial])

    def tell(self, action: Any) -> Any:
        trial, given = self._trials[action.trial], json_format.MessageToDict(action)
        answer = trial.act(
            "Tell",
            leaseId=trial.lease_id,
            outcome=given.get("outcome", "TELL_OUTCOME_SUCCEEDED"),
            metrics=given.get("metrics", {}),
            reason=action.reason,
        )
        trial.message, trial.superseded = answer["trial"], answer.get("superseded", False)
        return results.trials([trial])

    def release(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        trial.act("ReleaseTrial", leaseId=trial.lease_id)
        return results.done()

    def cancel(self, action: Any) -> Any:
        trial = self._trials[action.trial]
        trial.message = trial.act("CancelTrial", reason=action.reason)
        return results.trials([trial])

    def amend(self, action: Any) -> Any:
        trial, given = self._trials[action.trial], json_format.MessageToDict(action)
        trial.message = trial.act(
            "AmendTrial",
            outcome=given.get("outcome", "TELL_OUTCOME_SUCCEEDED"),
            metrics=given.get("metrics", {}),
            reason=action.reason,
        )
        return results.trials([trial])

    def peek_trial(self, action: Any) -> Any:
        return results.trials([self._trials[action.trial]])

    def get_trial(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        message = caller("TrialService/GetTrial", {"name": f"{name}/trials/{action.number}"})
        return self._read(caller, {"trials": [message]}, [action.trial] if action.trial else [])

    def list_trials(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        body = {"parent": name, "pageSize": PAGE_SIZE, "filter": json_format.MessageToDict(action.filter)}
        trials: list[Json] = []
        token = ""
        while True:
            page = caller("TrialService/ListTrials", {**body, "pageToken": token})
            trials += page.get("trials", ())
            token = page.get("nextPageToken", "")
            if not token:
                return self._read(caller, {"trials": trials})

    def best(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        return self._read(caller, caller("TrialService/ListBestTrials", {"parent": name, "count": action.count}))

    def enqueue(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        trials = json_format.MessageToDict(action)["trials"]
        body = {"study": name, "trials": trials, "requestId": str(uuid.uuid4())}
        return self._read(caller, caller("TrialService/EnqueueTrials", body), action.handles)

    def import_trials(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        trials = json_format.MessageToDict(action)["trials"]
        body = {"study": name, "trials": trials, "requestId": str(uuid.uuid4())}
        return self._read(caller, caller("TrialService/ImportTrials", body))

    def start_watch(self, action: Any) -> Any:
        caller, name = self._study(action.study)
        cursor = ""
        match action.WhichOneof("start"):
            case "from_study_cursor":
                cursor = self._studies[action.study][1]["cursor"]
            case "after_watch":
                cursor = self._cursors[action.after_watch]
        self._watches[action.watch] = results.watch(caller, name, cursor)
        return results.done()

    def next_changes(self, action: Any) -> Any:
        result = schema.Result()
        result.changes.SetInParent()
        for _ in range(action.count):
            change = next(self._watches[action.watch])
            self._cursors[action.watch] = change["cursor"]
            result.changes.changes.append(results.change(change))
        return result

    def stop_watch(self, action: Any) -> Any:
        self._watches.pop(action.watch).close()  # type: ignore[attr-defined] # a generator
        return results.done()

    def suggest(self, action: Any) -> Any:
        caller, _ = self._callers[action.client]
        answer = caller("SuggestionService/Suggest", json_format.MessageToDict(action.request))
        result = schema.Result()
        result.suggestions.SetInParent()
        for each in answer["suggestions"]:
            kept = {key: each[key] for key in ("parameters", "origin")}
            json_format.ParseDict(kept, result.suggestions.suggestions.add())
        return result

    def analyse(self, action: Any) -> Any:
        method, items = _ANALYSES[action.WhichOneof("question")]
        caller, name = self._study(action.study)
        question = json_format.MessageToDict(getattr(action, action.WhichOneof("question")))
        answer = caller(f"AnalysisService/{method}", question | {"parent": name})
        return schema.Result(analysis={"items": len(answer.get(items, ()))})


def main() -> None:
    """Serves actions until stdin ends."""
    executor = HttpExecutor()
    while (payload := read_frame(sys.stdin.buffer)) is not None:
        result = executor.execute(schema.Action.FromString(payload))
        write_frame(sys.stdout.buffer, result.SerializeToString())


if __name__ == "__main__":
    main()
