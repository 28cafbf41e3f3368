"""Early-stopping rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from google.protobuf.message import Message

from asktell.v1 import study_pb2
from asktell_server.domain.early_stopping import STOPPING_RULES, StoppingRule
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.metrics import Goal
from asktell_server.protocols.asktell_v1.conversion.metrics import GOALS, GOALS_OUT

_COMMON = ("metric", "goal", "grace_trials", "interval_steps")


def early_stopping_from(message: study_pb2.EarlyStopping, where: str) -> tuple[StoppingRule, ...]:
    """Reads the rules; none where the message is empty. `Study.validate` checks their settings.

    Raises:
        InvalidArgument: `any` holds no rule, or another `any`; a setting that its rule does not have.
    """
    kind = message.WhichOneof("rule")
    if kind == "any":
        for name in _COMMON:
            if getattr(message, name):
                raise InvalidArgument(f"{where}.{name}", "must be unset with `any`: it belongs to each of its rules")
        if not message.any.rules:
            raise InvalidArgument(f"{where}.any.rules", "must hold at least one rule")
        return tuple(_rule_from(rule, f"{where}.any.rules[{index}]") for index, rule in enumerate(message.any.rules))
    if kind is None and not any(getattr(message, name) for name in _COMMON):
        return ()
    return (_rule_from(message, where),)


def _rule_from(message: study_pb2.EarlyStopping, where: str) -> StoppingRule:
    kind: str = message.WhichOneof("rule") or ""
    if kind not in STOPPING_RULES:
        raise InvalidArgument(where, f"must have one rule of {', '.join(STOPPING_RULES)}")
    settings = getattr(message, kind)
    known = {field.name: field.default for field in fields(STOPPING_RULES[kind])}
    values: dict[str, Any] = {}
    for name, default in known.items():
        part: Message = message if name in _COMMON else settings
        if name == "goal":
            values[name] = _goal_from(message.goal, f"{where}.goal")
        elif part.DESCRIPTOR.fields_by_name[name].has_presence:
            values[name] = getattr(part, name) if part.HasField(name) else None
        elif getattr(part, name) or default is MISSING:  # the wire's 0 is the rule's default
            values[name] = getattr(part, name)
    if message.interval_steps and "interval_steps" not in known:
        raise InvalidArgument(f"{where}.interval_steps", f"must be unset with {kind}")
    return STOPPING_RULES[kind](**values)


def _goal_from(goal: study_pb2.Goal.ValueType, where: str) -> Goal | None:
    if goal == study_pb2.GOAL_UNSPECIFIED:
        return None
    if goal not in GOALS:
        raise InvalidArgument(where, f"must be MINIMIZE, MAXIMIZE or unset, got {goal}")
    return GOALS[goal]


def early_stopping_to(rules: Sequence[StoppingRule]) -> study_pb2.EarlyStopping | None:
    """Writes the rules; None where there is none."""
    if not rules:
        return None
    messages = [_rule_to(rule) for rule in rules]
    if len(messages) == 1:
        return messages[0]
    return study_pb2.EarlyStopping(any=study_pb2.AnyStopping(rules=messages))


def _rule_to(rule: StoppingRule) -> study_pb2.EarlyStopping:
    message = study_pb2.EarlyStopping()
    settings = getattr(message, rule.kind)
    settings.SetInParent()
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name == "goal":
            message.goal = study_pb2.GOAL_UNSPECIFIED if value is None else GOALS_OUT[value]
        elif value is not None:
            setattr(message if field.name in _COMMON else settings, field.name, value)
    return message
