"""The loops of docs/http.md in R, Julia and MATLAB: their requests, worked out from their text and sent to a server.

The interpreters are not needed: each snippet builds its bodies in one kind of expression, which a few substitutions
turn into Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.http_json import Http, http_address
from tests.support.readme import blocks
from tests.support.server import ServerProcess

ROOT = Path(__file__).parents[3]
TRIALS = 3
STUDY = {
    "searchSpace": {"parameters": [{"name": "x", "floatDomain": {"min": -5, "max": 5}}]},
    "objectives": [{"metric": "loss", "goal": "GOAL_MINIMIZE"}],
    "stoppingRules": {"maxTrials": TRIALS},
    "algorithm": {"random": {}},
}


class _Key(str):
    """The left side of Julia's `key => value`."""

    __slots__ = ()

    def __rshift__(self, value: object) -> tuple[str, object]:
        return str(self), value


def _struct(*parts: Any) -> dict[str, Any]:
    """MATLAB's struct("name", value, …)."""
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _fields(value: Any) -> Any:
    """A decoded body whose members are attributes, as in MATLAB; a list is called to index it from 1."""
    if isinstance(value, dict):
        return SimpleNamespace(**{key: _fields(each) for key, each in value.items()})
    if isinstance(value, list):
        return lambda index: _fields(value[index - 1])
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """How a language's expressions become Python's. `first_trial`: the expression of the one trial of an answer."""

    block: str
    calls: str
    first_trial: str
    names: Mapping[str, Any]
    python: Callable[[str], str]
    answer: Callable[[Any], Any] = lambda answer: answer

    def evaluate(self, expression: str, **known: Any) -> Any:
        """The value of an expression of the snippet."""
        return eval(self.python(expression), {**self.names, **known})

    @property
    def source(self) -> str:
        """The snippet."""
        (snippet,) = blocks(ROOT / "docs/http.md", self.block)
        return snippet

    def requests(self) -> dict[str, str]:
        """Methods, and the expressions of what is sent to them."""
        return {name: _balanced(self.source[end:]) for name, end in self._found()}

    def _found(self) -> Iterator[tuple[str, int]]:
        for match in re.finditer(self.calls, self.source):
            yield match[1], match.end()


def _balanced(text: str) -> str:
    """The text up to the end of its first call: `f(…)`."""
    depth = 0
    for index, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ")" and depth == 0:
            return text[: index + 1]
    raise AssertionError(f"no end of {text!r}")


LANGUAGES = {
    "R": Language(
        block="r",
        calls=r'call\("(\w+/\w+)", ',
        first_trial=r"trial <- resp_body_json\(asked\)(.*)",
        names={"list": dict},
        python=lambda text: re.sub(r"\[\[(\d)]]", lambda n: f"[{int(n[1]) - 1}]", re.sub(r"\$(\w+)", r'["\1"]', text)),
    ),
    "Julia": Language(
        block="julia",
        calls=r'call\("(\w+/\w+)", ',
        first_trial=r"trial = JSON.parse\(String\(asked.body\)\)(.*)",
        names={"Dict": lambda *pairs: dict(pairs), "Key": _Key},
        python=lambda text: re.sub(r'("\w+") =>', r"Key(\1) >>", text).replace("[1]", "[0]"),
    ),
    "MATLAB": Language(
        block="matlab",
        calls=r'webwrite\(url \+ "(\w+/\w+)", ',
        first_trial=r"trial = asked(.*);",
        names={"struct": _struct},
        python=lambda text: text,
        answer=_fields,
    ),
}


@pytest.fixture(scope="module")
def http_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with ServerProcess(tmp_path_factory.mktemp("snippets"), arguments=["--http", "127.0.0.1:0"]) as server:
        client = Http(http_address(server))
        yield client
        client.close()


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_the_loop_of_a_snippet_runs_a_study_to_its_end(http_: Http, language: Language) -> None:
    requests = language.requests()
    assert [name for name in requests if name.startswith("TrialService/")] == ["TrialService/Ask", "TrialService/Tell"]
    assert "http://127.0.0.1:8080/asktell.v1." in re.sub(r'"\) \|> req_url_path\(paste0\("', "", language.source)
    trial_of = re.search(language.first_trial, language.source)
    loss_of = re.search(r"loss (?:=|<-) (.*?);?$", language.source, re.MULTILINE)
    metrics_of = re.search(r"metrics = (struct.*);$", language.source, re.MULTILINE)  # MATLAB names it first
    assert trial_of is not None
    assert loss_of is not None

    http_.call("StudyService/DeleteStudy", {"name": "curl"})  # the one before left it
    http_.ok("StudyService/CreateStudy", {"studyId": "curl", "study": STUDY})
    told = 0
    while True:
        status, answer, headers = http_.call("TrialService/Ask", language.evaluate(requests["TrialService/Ask"]))
        if status != 200:
            break
        trial = language.evaluate(f"asked{trial_of[1]}", asked=language.answer(answer))
        loss = language.evaluate(loss_of[1].replace("^", "**"), trial=trial)
        known = {"trial": trial, "loss": loss}
        if metrics_of is not None:
            known["metrics"] = language.evaluate(metrics_of[1], **known)
        http_.ok("TrialService/Tell", language.evaluate(requests["TrialService/Tell"], **known))
        told += 1
    assert headers["asktell-error-reason"] == "STUDY_COMPLETE"
    assert told == TRIALS
    if "StudyService/GetStudy" in requests:  # the language sees no headers
        study = http_.ok("StudyService/GetStudy", language.evaluate(requests["StudyService/GetStudy"]))
        assert f'study.state == "{study["state"]}", break' in language.source
    else:
        assert re.search(r'"asktell-error-reason"\)(, | == )"STUDY_COMPLETE"', language.source)
