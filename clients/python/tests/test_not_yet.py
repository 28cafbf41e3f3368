"""What is agreed and not there yet is refused by name, in the words that the caller typed."""

from __future__ import annotations

from typing import Any

import pytest

import asktell
from asktell._core import not_yet
from asktell._core.study_requests import create_request, update_request

DOMAINS = (asktell.Float, asktell.Int, asktell.Discrete, asktell.Categorical, asktell.Bool)


def _refusal(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(asktell.NotSupported) as caught:
        call(*arguments, **options)
    assert caught.value.reason == "NOT_SUPPORTED"
    assert caught.value.metadata["field"] in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("word", not_yet.STUDY)
def test_keywords_of_a_study(word: str) -> None:
    options: Any = {"space": {"x": asktell.Float(0, 1)}, "objectives": asktell.Minimize("loss"), word: ["x"]}
    said = not_yet.STUDY[word]
    assert _refusal(create_request, "p", "s", options) == f"create_study({word}=…): {said}"
    assert _refusal(update_request, "s", {word: ["x"]}, etag="") == f"update({word}=…): {said}"


@pytest.mark.parametrize("word", not_yet.DOMAIN)
@pytest.mark.parametrize("domain", DOMAINS)
def test_keywords_of_a_domain(domain: Any, word: str) -> None:
    given: dict[Any, list[Any]] = {asktell.Discrete: [[1, 2]], asktell.Categorical: [["a", "b"]], asktell.Bool: []}
    arguments = given.get(domain, [0, 1])
    assert domain(*arguments) == domain(*arguments)
    assert _refusal(domain, *arguments, **{word: 1}) == f"{domain.__name__}({word}=…): {not_yet.DOMAIN[word]}"
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        domain(*arguments, nonsense=1)


@pytest.mark.parametrize("name", not_yet.NAMES)
def test_names_of_the_package(name: str) -> None:
    with pytest.raises(AttributeError, match=f"asktell.{name}: .* not supported yet"):
        getattr(asktell, name)
    assert not hasattr(asktell, "nonsense")
