"""Request ids: which call a retry repeats."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from asktell.v1 import search_space_pb2, study_pb2, study_service_pb2, trial_pb2, trial_service_pb2
from asktell_server import pace
from asktell_server.domain.errors import InvalidArgument
from asktell_server.protocols.asktell_v1.requests import request_of, request_of_batch
from tests.support.turns import turns_of


def _tell(metrics: dict[str, float], **fields: Any) -> trial_service_pb2.TellRequest:
    request = trial_service_pb2.TellRequest(name="studies/a/trials/1", **fields)
    for name, value in metrics.items():
        request.metrics[name].CopyFrom(trial_pb2.Metric(value=value))
    return request


def _fingerprint(message: Message) -> str:
    request = request_of(message)
    assert request is not None
    return request.fingerprint


def test_without_an_id_there_is_no_request() -> None:
    assert request_of(_tell({"loss": 1.0})) is None


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.floats(allow_nan=False), min_size=2, max_size=8), st.data())
def test_the_order_of_a_map_does_not_matter(metrics: dict[str, float], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(metrics.items()))))
    one, other = _tell(metrics, request_id="r"), _tell(shuffled, request_id="r")
    assert _fingerprint(one) == _fingerprint(other)
    assert _fingerprint(trial_service_pb2.TellRequest.FromString(one.SerializeToString())) == _fingerprint(one)


def test_nested_maps_are_ordered_too() -> None:
    def enqueue(*names: str) -> trial_service_pb2.EnqueueTrialsRequest:
        request = trial_service_pb2.EnqueueTrialsRequest(study="a", request_id="r")
        new = request.trials.add()
        for name in names:
            new.parameters[name].CopyFrom(search_space_pb2.ParameterValue(int_value=1))
            new.labels[name] = "x"
        return request

    names = [f"p{index}" for index in range(40)]
    assert _fingerprint(enqueue(*names)) == _fingerprint(enqueue(*reversed(names)))


@pytest.mark.parametrize(
    "other",
    [
        _tell({"loss": 1.0000000001}, request_id="r"),
        _tell({"los": 1.0}, request_id="r"),
        _tell({}, request_id="r"),
        _tell({"loss": 1.0}, request_id="r", reason="words"),
        _tell({"loss": 1.0}, request_id="r", lease_id="x"),
    ],
)
def test_every_other_field_matters(other: trial_service_pb2.TellRequest) -> None:
    assert _fingerprint(other) != _fingerprint(_tell({"loss": 1.0}, request_id="r"))


def test_the_id_itself_is_not_part_of_the_body() -> None:
    assert _fingerprint(_tell({"loss": 1.0}, request_id="a")) == _fingerprint(_tell({"loss": 1.0}, request_id="b"))


def test_the_same_bytes_for_another_method_are_another_body() -> None:
    cancel = trial_service_pb2.CancelTrialRequest(name="studies/a/trials/1", request_id="r")
    delete = trial_service_pb2.DeleteTrialRequest(name="studies/a/trials/1", request_id="r")
    assert _fingerprint(cancel) != _fingerprint(delete)


def test_reading_an_id_leaves_the_message_as_it_was() -> None:
    message = study_service_pb2.CreateStudyRequest(study_id="a", study=study_pb2.Study(), request_id="r")
    before = message.SerializeToString(deterministic=True)
    request_of(message)
    assert message.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("request_id", ["a", "x" * 64, "0f0e-11", "!~"])
def test_ids_of_printable_ascii_are_taken(request_id: str) -> None:
    request = request_of(_tell({}, request_id=request_id))
    assert request is not None
    assert request.request_id == request_id


@pytest.mark.parametrize("request_id", ["x" * 65, "a b", " ", "a\n", "é", "\x7f", "\0"])
def test_other_ids_are_refused(request_id: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        request_of(_tell({}, request_id=request_id))
    assert caught.value.field == "request_id"


def _import(*keys: str, **fields: Any) -> trial_service_pb2.ImportTrialsRequest:
    trials = [trial_service_pb2.ImportedTrial(import_key=key, labels={"b": "1", "a": key}) for key in keys]
    return trial_service_pb2.ImportTrialsRequest(**{"study": "s", "request_id": "r", **fields}, trials=trials)


async def test_batches_differ_by_every_field_and_item() -> None:
    assert await request_of_batch(_import("a", request_id=""), "trials") is None
    message = _import("a", "b")
    first, again, of_other_id = [
        await request_of_batch(each, "trials")
        for each in (message, _import("a", "b"), _import("a", "b", request_id="q"))
    ]
    assert first is not None
    assert of_other_id is not None
    assert first == again
    assert (of_other_id.request_id, of_other_id.fingerprint) == ("q", first.fingerprint)
    assert message == _import("a", "b"), "as it was"
    others = [
        _import("b", "a"),
        _import("a"),
        _import("a", "b", "b"),
        _import("ab"),
        _import("a", "b", study="t"),
        _import("a", "b", validate_only=True),
        trial_service_pb2.EnqueueTrialsRequest(study="s", request_id="r"),
    ]
    found = {request.fingerprint for each in others if (request := await request_of_batch(each, "trials"))}
    assert len(found - {first.fingerprint}) == len(others)


async def test_a_large_batch_is_digested_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PIECE_S", 0.0)  # every item is a piece
    assert await turns_of(request_of_batch(_import(*"abc"), "trials")) == 3
