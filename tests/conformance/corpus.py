"""Reads cases/*.yaml. A misspelt key, a wrong type or a name used twice fails here, before anything runs."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format

from tests.conformance import schema

CASES = Path(__file__).parent / "cases"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_LONGEST_NAME = 45  # with the language in front it is a study id of at most 63 characters


class CorpusError(Exception):
    """A case file is wrong."""


class _Loader(yaml.SafeLoader):
    """Refuses keys that are there twice, which YAML would take the last of."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise CorpusError(f"{node.start_mark}: {key!r} is there twice")
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True, slots=True)
class CaseSource:
    """A case as it is written; `for_study` fills in the study id and parses it."""

    name: str
    raw: Mapping[str, Any]

    def for_study(self, study_id: str) -> tuple[Any, Mapping[str, Any]]:
        """The case as a message, and the same case as plain values (which know what was written)."""
        filled = _replace(self.raw, lambda text: text.replace("$STUDY", study_id))
        return json_format.ParseDict(filled, schema.Case()), filled


def load(folder: Path = CASES) -> list[CaseSource]:
    """All cases, by file and place. Raises CorpusError."""
    sources: dict[str, CaseSource] = {}
    for path in sorted(folder.glob("*.yaml")):
        for source in _read(path):
            if source.name in sources:
                raise CorpusError(f"{path.name}: there are two cases {source.name!r}")
            sources[source.name] = source
    return list(sources.values())


def _read(path: Path) -> list[CaseSource]:
    raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # a SafeLoader
    _parse({**raw, "cases": []}, schema.CaseFile(), path.name)  # a case is parsed when its `repeat` is written out
    specs: Mapping[str, Any] = raw.get("specs", {})
    return [_source(case, specs, path.name) for case in raw["cases"]]


def _source(case: dict[str, Any], specs: Mapping[str, Any], file: str) -> CaseSource:
    name = case.get("name", "")
    where = f"{file}: {name or 'a case without a name'}"
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise CorpusError(f"{where}: a name is words-with-dashes of at most {_LONGEST_NAME} characters")
    if not case.get("about"):
        raise CorpusError(f"{where}: say what it is about")
    if case.get("spec") and case["spec"] not in specs:
        raise CorpusError(f"{where}: there is no spec {case['spec']!r}")
    expanded = copy.deepcopy(case)
    expanded["steps"] = [_repeated(step) for step in _setup(case, specs) + case.get("steps", [])]
    _parse(expanded, schema.Case(), where)
    return CaseSource(name=name, raw=expanded)


def _setup(case: Mapping[str, Any], specs: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "client" not in case and "spec" not in case:
        return []
    steps: list[dict[str, Any]] = [{"do": {"create_client": {"client": "c", **case.get("client", {})}}}]
    if "spec" in case:
        study = {"client": "c", "study": "s", "study_id": "$STUDY", "spec": specs[case["spec"]]}
        steps.append({"do": {"create_study": study}})
    return steps


def _repeated(step: dict[str, Any]) -> dict[str, Any]:
    """Writes out `repeat`."""
    if "repeat" not in step:
        return step
    step = copy.deepcopy(step)
    (arguments,) = step["do"].values()
    (template,) = arguments["trials"]
    arguments["trials"] = [_numbered(template, index) for index in range(1, step["repeat"] + 1)]
    return step


def _numbered(template: Any, index: int) -> Any:
    return _replace(template, lambda text: text.replace("$I", str(index)))


def _replace(value: Any, function: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return function(value)
    if isinstance(value, Mapping):
        return {key: _replace(each, function) for key, each in value.items()}
    if isinstance(value, list):
        return [_replace(each, function) for each in value]
    return value


def _parse(raw: dict[str, Any], message: Any, where: str) -> None:
    try:
        json_format.ParseDict(raw, message)
    except json_format.ParseError as error:
        raise CorpusError(f"{where}: {error}") from None
