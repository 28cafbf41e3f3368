"""Early-stopping rules as they are written and shown on the command line: `median`, `hyperband:max_steps=50`, `median+threshold:max=9`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import partial
from typing import Any

import click

from asktell._core.shown import short
from asktell.cli.number_types import Number, WholeNumber
from asktell.early_stopping import RULES, AnyStopping, EarlyStopping, StoppingRule
from asktell.spec import Goal

_Convert = Callable[[str], Any]
_count: _Convert = partial(WholeNumber(0).convert, param=None, ctx=None)
_number: _Convert = partial(Number().convert, param=None, ctx=None)


def early_stopping_from(text: str) -> EarlyStopping:
    """Reads one rule, or several with + between. Raises click.BadParameter."""
    rules = tuple(_rule(word.strip()) for word in text.split("+"))
    return rules[0] if len(rules) == 1 else AnyStopping(rules)


def _rule(text: str) -> StoppingRule:
    name, _, settings = text.partition(":")
    if name not in RULES:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(RULES)}")
    known = {field.name: field for field in fields(RULES[name])}
    values: dict[str, Any] = {}
    for word in filter(None, settings.split(",")):
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or key not in known:
            raise click.BadParameter(f"{word!r} is not SETTING=VALUE with one of {name}'s settings {', '.join(known)}")
        values[key] = _value(str(known[key].type), value)
    missing = [key for key, field in known.items() if field.default is MISSING and key not in values]
    if missing:
        raise click.BadParameter(f"{name} needs {' and '.join(missing)}, as in {name}:{missing[0]}=…")
    return RULES[name](**values)


def _value(kind: str, text: str) -> Any:
    if kind.startswith("Goal"):
        if text not in set(Goal):
            raise click.BadParameter(f"{text!r} is not one of {', '.join(Goal)}")
        return Goal(text)
    if kind.startswith("int"):
        return _count(text)
    return _number(text) if kind.startswith("float") else text


def as_keys(early_stopping: EarlyStopping | None) -> list[dict[str, dict[str, Any]]]:
    """The rules as a study file has them, what is None left out."""
    rules = early_stopping.rules if isinstance(early_stopping, AnyStopping) else (early_stopping,)
    return [{_name(rule): _settings(rule)} for rule in rules if rule is not None]


def as_sentence(early_stopping: EarlyStopping | None) -> str:
    """The rules for people: what differs from the defaults."""
    rules = [(name, settings) for rule in as_keys(early_stopping) for name, settings in rule.items()]
    words = []
    for name, settings in rules:
        defaults = {field.name: field.default for field in fields(RULES[name])}
        said = [f"{key} {short(value)}" for key, value in settings.items() if value != defaults[key]]
        words.append(" ".join([name.replace("_", " "), *([f"({', '.join(said)})"] if said else [])]))
    return " or ".join(words) or "never"


def _name(rule: StoppingRule) -> str:
    return next(name for name, kind in RULES.items() if isinstance(rule, kind))


def _settings(rule: StoppingRule) -> dict[str, Any]:
    said = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return {key: value.value if isinstance(value, Goal) else value for key, value in said.items() if value is not None}
