"""What the server refuses, in the words of who called: the contract's field paths as Python writes them.

`study.search_space.parameters[0].float_domain.min` is `space['lr'].min`, `study.stopping_rules.max_trials` is `max_trials`.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from asktell._core.study_view import STUDY_FIELDS
from asktell.early_stopping import RULES
from asktell.errors import AsktellError
from asktell.v1 import analysis_service_pb2, trial_service_pb2

E = TypeVar("E", bound=AsktellError)

_PARAMETER = re.compile(r"^search_space\.(parameters|derived_parameters)\[(\d+)\](?:\.[a-z]+_domain)?")
_FIELDS = [
    (re.compile(rf"^{re.escape(path)}(?!\w)"), field.name) for field in STUDY_FIELDS.values() for path in field.paths
]
_RENAMED = [
    (re.compile(r"\.default_value$"), ".default"),
    (re.compile(r"\.prior\.(?:normal(?=\.|$)|weights(?=\.weights|$))"), ".prior"),
    (re.compile(r"\.reference_value$"), ".reference"),
    (re.compile(r"^search_space\.parameters$"), "search_space"),
    (re.compile(r"^search_space\.parameter_constraints"), "parameter_constraints"),
    (re.compile(r"^(tracked_metrics\[\d+\])\.metric$"), r"\1"),
    (re.compile(r"^algorithm\.\w+"), "algorithm"),
    (re.compile(r"^(pending\[\d+\])\.parameters"), r"\1"),
    (re.compile(r"^fixed_parameters\b"), "fixed"),
    (re.compile(r"^((?:trials|observations)\[\d+\])\.parameters"), r"\1.params"),
    (re.compile(r"^(trials\[\d+\])\.import_key$"), r"\1.key"),
    (re.compile(r"(\bmetrics\[[^\]]*\])\.value$"), r"\1"),
    (re.compile(r"^early_stopping\.any\.rules"), "early_stopping.rules"),
    (re.compile(rf"^(early_stopping(?:\.rules\[\d+\])?)\.(?:{'|'.join(RULES)})\b"), r"\1"),
    *_FIELDS,
]
_KEY = re.compile(r"\[(?!\d+\]|')([^\]]*)\]")
_KINDS = re.compile(r" \((?:bool|int|double|string)_value\)")


def in_callers_words(error: E, request: Any) -> E:
    """The error of a request, its text in the words of the keyword arguments that the request was made of.

    `error.field` stays the path in the contract.
    """
    path = error.metadata.get("field", "")
    if not path or not error.message.startswith(f"{path}:"):
        return error
    return error.reworded(_KINDS.sub("", callers_words(path, request) + error.message.removeprefix(path)))


def callers_words(path: str, request: Any) -> str:
    """A field path of a request as Python writes it."""
    head, _, rest = path.partition(".")
    if rest and head in ("study", "problem"):
        return study_words(rest, getattr(request, head))
    if rest and head == "trial":
        return _renamed(rest)
    if isinstance(request, trial_service_pb2.EnqueueTrialsRequest):
        given = "params" if len(request.trials) == 1 else r"params\1"
        path = re.sub(r"^trials(\[\d+\])\.parameters", given, path)
    if isinstance(request, analysis_service_pb2.PredictOutcomesRequest):
        given = "params" if len(request.configurations) == 1 else r"params\1"
        path = re.sub(r"^configurations(\[\d+\])(?:\.parameters)?", given, path)
        path = re.sub(r"^configurations\b", "params", path)
    return _renamed(path)


def study_words(path: str, study: Any) -> str:
    """A field path of a study, or of a problem, as Python writes it."""
    found = _PARAMETER.match(path)
    if found is None:
        return _renamed(path)
    name = getattr(study.search_space, found[1])[int(found[2])].name
    return f"space[{name!r}]" + _renamed(path.removeprefix(found[0]))


def _renamed(path: str) -> str:
    for pattern, word in _RENAMED:
        path = pattern.sub(word, path)
    return _KEY.sub(lambda key: f"[{key[1]!r}]", path)
