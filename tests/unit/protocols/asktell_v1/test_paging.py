"""Page sizes and page tokens."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.protocols.asktell_v1.paging import (
    decode_number,
    decode_token,
    encode_token,
    page_size,
    query_digest,
)


@given(st.text(st.characters(codec="utf-8")), st.text())
def test_a_token_gives_its_position_back(position: str, query: str) -> None:
    token = encode_token(position, query=query_digest(query))
    assert decode_token(token, query=query_digest(query)) == position
    assert token.isascii()


def test_a_token_belongs_to_its_call_and_arguments() -> None:
    token = encode_token("7", query=query_digest("ListTrials", "study-a", []))
    for query in (
        ("ListTrials", "study-b", []),
        ("ListTrials", "study-a", ["RUNNING"]),
        ("ListStudies", "study-a", []),
    ):
        _refused(token, query_digest(*query))


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "====",
        "not base64!",
        "é",
        "\0",
        _encoded([]),
        _encoded(["q"]),
        _encoded(["q", 7]),
        _encoded(["q", None]),
        _encoded(["q", "7", "8"]),
        _encoded({"q": "7"}),
        _encoded("q7"),
        _encoded(7),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        "A" * 1_000_000,
    ],
    ids=lambda token: token[:16],
)
def test_tokens_that_nobody_gave_out_are_refused(token: str) -> None:
    _refused(token, "q")


def test_a_number_gives_itself_back() -> None:
    assert decode_number(encode_token("17", query="q"), query="q") == 17


@pytest.mark.parametrize("position", ["", "-1", "x", "1.5", "\u0661", "9" * 17])
def test_a_position_that_is_no_number_is_refused(position: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode_number(encode_token(position, query="q"), query="q")
    assert caught.value.reason is ErrorReason.INVALID_TOKEN


@given(st.text())
def test_any_text_is_refused(token: str) -> None:
    _refused(token, query_digest("ListTrials"))


@pytest.mark.parametrize(("requested", "size"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_page_sizes(requested: int, size: int) -> None:
    assert page_size(requested, default=50) == size


@pytest.mark.parametrize("requested", [-1, -(2**31)])
def test_negative_page_sizes_are_refused(requested: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        page_size(requested, default=50)
    assert caught.value.field == "page_size"


def _refused(token: str, query: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode_token(token, query=query)
    assert caught.value.field == "page_token"
    assert caught.value.reason is ErrorReason.INVALID_TOKEN
