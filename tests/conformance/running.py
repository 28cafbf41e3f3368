"""Carries out one case through one executor."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import text_format

from asktell.v1 import study_service_pb2, trial_service_pb2
from tests.conformance import schema
from tests.conformance.answers import mismatches
from tests.conformance.corpus import CaseSource
from tests.conformance.executor import Executor, ExecutorError
from tests.conformance.matching import differences
from tests.conformance.world import TOKEN, Door, World

UNTIL_S = 60.0
_LOOK_AGAIN_S = 0.05


class CaseFailed(Exception):
    """The client, or what the server has of it, is not as expected."""


@dataclass(frozen=True, slots=True)
class CaseRun:
    """A case being run. `note` is told of every step."""

    world: World
    door: Door
    executor: Executor
    note: Callable[[str], None]

    def run(self, source: CaseSource, study_id: str) -> None:
        """Runs all steps. Raises CaseFailed or ExecutorError with the step's number."""
        case, raw = source.for_study(study_id)
        self.world.calm()
        self._exchange(schema.Action(reset={}))
        try:
            self._steps(case.steps, raw["steps"])
        finally:
            self.world.calm()  # or closing the clients would wait for a server that a step took away

    def _steps(self, steps: Sequence[Any], raws: Sequence[Mapping[str, Any]]) -> None:
        for index, (step, raw) in enumerate(zip(steps, raws, strict=True), 1):
            kind = step.WhichOneof("kind")
            self.note(f"{index}. {kind} {_shown(step, kind)}")
            try:
                for _ in range(step.times or 1):
                    self._step(step, raw, kind)
            except (CaseFailed, ExecutorError) as failure:
                raise type(failure)(f"step {index}, {kind} {_shown(step, kind)}:\n    {failure}") from None

    def _step(self, step: Any, raw: Mapping[str, Any], kind: str) -> None:
        world = self.world
        match kind:
            case "do":
                self._until(step.until, lambda: self._do(step, raw))
            case "faults":
                plan = self.door.proxies["proxy"].plan
                plan.set(step.faults.method, step.faults.faults, for_ever=step.faults.for_ever)
            case "kill_server":
                world.server.kill()
            case "start_server":
                world.server.restart()
            case "stop_proxy":
                self.door.proxies[step.stop_proxy].stop()
            case "start_proxy":
                self.door.proxies[step.start_proxy].start()
            case "other":
                self._other(step.other)
            case "await_calls":
                wanted = step.await_calls
                if not self._plan(wanted).wait_for_calls(wanted.method, wanted.count):
                    raise CaseFailed(f"the calls did not come: {len(self._plan(wanted).calls(wanted.method))} did")
            case "check_calls":
                self._check_calls(step.check_calls, raw["check_calls"])
            case "check_study":
                self._until(step.until, lambda: self._check_study(step.check_study, raw["check_study"]))
            case "check_trial":
                self._until(step.until, lambda: self._check_trial(step.check_trial, raw["check_trial"]))
            case _:
                raise CaseFailed("the step does nothing")

    def _until(self, until: bool, attempt: Callable[[], list[str]]) -> None:
        deadline = time.monotonic() + UNTIL_S
        while found := attempt():
            if not until or time.monotonic() > deadline:
                raise CaseFailed("; ".join(found))
            time.sleep(_LOOK_AGAIN_S)  # polls, with a deadline

    def _do(self, step: Any, raw: Mapping[str, Any]) -> list[str]:
        action = self._resolved(step.do)
        self.executor.send(action)
        try:
            self._steps(step.meanwhile, raw.get("meanwhile", ()))
        except CaseFailed:
            if self.executor.alive:
                self.executor.kill()  # it may still be busy, and its answer would come to the next case
            raise
        result = self.executor.receive()
        self.note(f"   → {text_format.MessageToString(result, as_one_line=True, as_utf8=True)[:400]}")
        return list(mismatches(raw.get("expect", {}), step.expect, result))

    def _exchange(self, action: Any) -> Any:
        self.executor.send(action)
        return self.executor.receive()

    def _resolved(self, action: Any) -> Any:
        """The action with names of addresses, tokens and certificates replaced by what they stand for."""
        if action.WhichOneof("kind") != "create_client":
            return action
        resolved = schema.Action()
        resolved.CopyFrom(action)
        client = resolved.create_client
        names = list(client.addresses) or ["server"]
        del client.addresses[:]
        if names != ["environment"]:
            client.addresses.extend(self.door.address(name) for name in names)
        client.token = {"": TOKEN, "right": TOKEN, "environment": ""}.get(client.token, client.token)
        if client.tls_ca_file:
            client.tls_ca_file = str(getattr(self.world.certificates, client.tls_ca_file))
        return resolved

    def _other(self, call: Any) -> None:
        kind = call.WhichOneof("kind")
        direct = self.world.direct
        methods = {
            "ask": direct.trials.Ask,
            "tell": direct.trials.Tell,
            "cancel_trial": direct.trials.CancelTrial,
            "delete_trial": direct.trials.DeleteTrial,
            "delete_study": direct.studies.DeleteStudy,
            "update_study": direct.studies.UpdateStudy,
        }
        self._direct(methods[kind], getattr(call, kind))

    def _direct(self, method: Any, request: Any) -> Any:
        try:
            return method(request, metadata=self.world.direct.metadata, timeout=60, wait_for_ready=True)
        except grpc.RpcError as error:
            raise CaseFailed(f"the server itself answers {error}") from None

    def _plan(self, calls: Any) -> Any:
        return self.door.proxies[calls.proxy or "proxy"].plan

    def _check_calls(self, wanted: Any, raw: Mapping[str, Any]) -> None:
        seen = self._plan(wanted).calls(wanted.method)
        if "count" in raw and len(seen) != wanted.count:
            raise CaseFailed(f"expected {wanted.count} calls, {len(seen)} came")
        if len(seen) < wanted.at_least:
            raise CaseFailed(f"expected at least {wanted.at_least} calls, {len(seen)} came")
        gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(seen)]
        if any(gap * 1000 < wanted.apart_ms for gap in gaps):
            raise CaseFailed(f"expected the calls {wanted.apart_ms} ms apart, they came {gaps} s apart")
        if wanted.one_request_id:
            ids = {_request_id(call.method, call.request) for call in seen}
            if len(ids) != 1 or "" in ids:
                raise CaseFailed(f"expected one request id, got {sorted(ids)}")

    def _check_study(self, wanted: Any, raw: Mapping[str, Any]) -> list[str]:
        request = study_service_pb2.GetStudyRequest(name=wanted.name)
        return _compared(raw, wanted, self._direct(self.world.direct.studies.GetStudy, request))

    def _check_trial(self, wanted: Any, raw: Mapping[str, Any]) -> list[str]:
        request = trial_service_pb2.GetTrialRequest(name=wanted.name)
        return _compared(raw, wanted, self._direct(self.world.direct.trials.GetTrial, request))


def _compared(raw: Mapping[str, Any], wanted: Any, found: Any) -> list[str]:
    written = {key: value for key, value in raw.items() if key != "name"}  # a short name finds it too
    return list(differences(written, wanted, found))


def _shown(step: Any, kind: str) -> str:
    value = getattr(step, kind)
    return text_format.MessageToString(value, as_one_line=True)[:200] if hasattr(value, "DESCRIPTOR") else str(value)


def _request_id(method: str, request: bytes) -> str:
    for module in (trial_service_pb2, study_service_pb2):
        message = getattr(module, f"{method}Request", None)
        if message is not None:
            return str(message.FromString(request).request_id)
    raise CaseFailed(f"no request of {method} is known")
