"""What a bad request is: how it is made, and what the server must answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from asktell.v1 import trial_pb2
from tests.support.rpc import StudyCalls

PROJECT = "projects/bad-input"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is there before a bad request, and must be there after it: a study with trials in several states."""

    study: StudyCalls
    other: StudyCalls
    running: trial_pb2.Trial
    told: trial_pb2.Trial
    queued: trial_pb2.Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bad request. `field` is what the answer must name; None = it names no field."""

    method: str
    what: str
    request: Callable[[World], Message]
    field: str | None
    reason: str = "INVALID_FIELD"
    code: str = "INVALID_ARGUMENT"

    def __str__(self) -> str:
        return f"{self.method}-{self.what}"


Change = Callable[[Any], object]

BAD_REQUEST_IDS = {"too long": "x" * 65, "with a space": "a b", "not ASCII": "é", "with a line end": "a\n"}

BAD_STUDIES = {
    "missing": "",
    "upper case": "projects/default/studies/UPPER",
    "of a trial": "projects/default/studies/a/trials/1",
    "half": "projects/default",
    "bad project": "projects/-/studies/a",
    "too long": "studies/" + "x" * 64,
    "oversize": "x" * 1_000_000,
    "control characters": "a\0b",
}

BAD_TRIALS = {
    "missing": "",
    "of a study": "projects/default/studies/a",
    "number alone": "7",
    "number zero": "studies/a/trials/0",
    "number negative": "studies/a/trials/-1",
    "number as a word": "studies/a/trials/best",
    "number too large": "studies/a/trials/" + "9" * 30,
    "oversize": "studies/a/trials/" + "1" * 1_000_000,
}

BAD_LABELS: dict[str, tuple[dict[str, str], str]] = {
    "empty key": ({"": "x"}, "[]"),
    "key too long": ({"k" * 64: "x"}, f"[{'k' * 63}]"),
    "value too long": ({"k": "x" * 257}, "[k]"),
    "too many": ({f"k{index}": "x" for index in range(65)}, ""),
}

BAD_ANNOTATIONS = {"oversize": {"k": "x" * 65_536}, "oversize in all": {f"k{index}": "x" * 1000 for index in range(66)}}


def changed(base: Callable[[World], Any], change: Change) -> Callable[[World], Message]:
    """A good request with one thing changed."""

    def build(world: World) -> Message:
        request: Message = base(world)
        change(request)
        return request

    return build


def put(path: str, value: object) -> Change:
    """Sets a field; dots lead into sub-messages."""

    def change(request: Any) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            request = getattr(request, parent)
        setattr(request, last, value)

    return change


def put_in(find: Callable[[Any], Any], field: str, value: object) -> Change:
    """Sets a field of the sub-message that `find` gives."""
    return lambda request: setattr(find(request), field, value)


def names(method: str, base: Callable[[World], Any], field: str, bad: dict[str, str]) -> Iterator[Case]:
    """Bad values of a name."""
    for what, name in bad.items():
        yield Case(method=method, what=f"{field} {what}", request=changed(base, put(field, name)), field=field)


def unknown_study(method: str, base: Callable[[World], Any], field: str) -> Case:
    """A study that is not there."""
    return Case(
        method=method,
        what="unknown study",
        request=changed(base, put(field, "projects/default/studies/no-such-study")),
        field=None,
        reason="STUDY_NOT_FOUND",
        code="NOT_FOUND",
    )


def unknown_trial(method: str, base: Callable[[World], Any], field: str) -> Iterator[Case]:
    """A trial that is not there, and one of a study that is not there."""

    def missing(world: World) -> Message:
        request: Message = base(world)
        put(field, f"{world.study.name}/trials/999999")(request)
        return request

    yield Case(
        method=method, what="unknown trial", request=missing, field=None, reason="TRIAL_NOT_FOUND", code="NOT_FOUND"
    )
    yield Case(
        method=method,
        what="trial of an unknown study",
        request=changed(base, put(field, "studies/no-such-study/trials/1")),
        field=None,
        reason="STUDY_NOT_FOUND",
        code="NOT_FOUND",
    )


def request_ids(method: str, base: Callable[[World], Any]) -> Iterator[Case]:
    """Bad request ids."""
    for what, request_id in BAD_REQUEST_IDS.items():
        yield Case(
            method=method,
            what=f"request_id {what}",
            request=changed(base, put("request_id", request_id)),
            field="request_id",
        )


def attachments(method: str, base: Callable[[World], Any], owner: Callable[[Any], Any], path: str) -> Iterator[Case]:
    """Bad labels and annotations of the sub-message that `owner` finds at `path`."""
    for what, (labels, suffix) in BAD_LABELS.items():
        yield Case(
            method=method,
            what=f"labels {what}",
            request=changed(base, _fill(owner, "labels", labels)),
            field=f"{path}.labels{suffix}",
        )
    for what, oversize in BAD_ANNOTATIONS.items():
        yield Case(
            method=method,
            what=f"annotations {what}",
            request=changed(base, _fill(owner, "annotations", oversize)),
            field=f"{path}.annotations",
        )


def _fill(owner: Callable[[Any], Any], field: str, entries: dict[str, str]) -> Change:
    return lambda request: getattr(owner(request), field).update(entries)
