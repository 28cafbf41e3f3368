"""Early-stopping rules to the wire and back. Their attributes have the names of the wire's fields."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from asktell._core.values import real, text, whole
from asktell.early_stopping import RULES, AnyStopping, EarlyStopping, StoppingRule
from asktell.spec import Goal
from asktell.v1 import study_pb2

_GOALS = {
    None: study_pb2.GOAL_UNSPECIFIED,
    Goal.MINIMIZE: study_pb2.GOAL_MINIMIZE,
    Goal.MAXIMIZE: study_pb2.GOAL_MAXIMIZE,
}
_GOALS_BACK = {number: goal for goal, number in _GOALS.items()}
_READ = {
    FieldDescriptor.CPPTYPE_INT32: whole,
    FieldDescriptor.CPPTYPE_INT64: whole,
    FieldDescriptor.CPPTYPE_DOUBLE: real,
    FieldDescriptor.CPPTYPE_STRING: text,
}


def encode_early_stopping(early_stopping: EarlyStopping, where: str) -> study_pb2.EarlyStopping:
    """The rules on the wire. Raises TypeError: it is no rule."""
    if not isinstance(early_stopping, AnyStopping):
        return _encode(early_stopping, where)
    rules = [_encode(rule, f"{where}.rules[{index}]") for index, rule in enumerate(early_stopping.rules)]
    return study_pb2.EarlyStopping(any=study_pb2.AnyStopping(rules=rules))


def _encode(rule: StoppingRule, where: str) -> study_pb2.EarlyStopping:
    name = next((name for name, kind in RULES.items() if isinstance(rule, kind)), None)
    if name is None:
        kinds = ", ".join(kind.__name__ for kind in RULES.values())
        raise TypeError(f"{where} must be one of {kinds}, or several joined by |, got {rule!r}")
    wire = study_pb2.EarlyStopping()
    settings = getattr(wire, name)
    settings.SetInParent()
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name == "goal":
            wire.goal = _GOALS[None if value is None else Goal(value)]
            continue
        if value is None:
            continue
        holder: Any = settings if field.name in settings.DESCRIPTOR.fields_by_name else wire
        read = _READ[holder.DESCRIPTOR.fields_by_name[field.name].cpp_type]
        setattr(holder, field.name, read(value, f"{where}.{field.name}"))
    return wire


def decode_early_stopping(study: study_pb2.Study, _: str = "") -> EarlyStopping | None:
    """The rules of a study, with their defaults filled in; None where trials are never stopped, or by no rule known here."""
    wire = study.early_stopping
    if wire.WhichOneof("rule") == "any":
        rules = [rule for rule in map(_decode, wire.any.rules) if rule is not None]
        return AnyStopping(tuple(rules)) if rules else None
    return _decode(wire)


def _decode(wire: study_pb2.EarlyStopping) -> StoppingRule | None:
    name: str = wire.WhichOneof("rule") or ""
    if name not in RULES:
        return None
    settings = getattr(wire, name)
    values: dict[str, Any] = {}
    for field in fields(RULES[name]):
        holder: Any = settings if field.name in settings.DESCRIPTOR.fields_by_name else wire
        if field.name == "goal":
            values["goal"] = _GOALS_BACK.get(wire.goal)
        elif holder.DESCRIPTOR.fields_by_name[field.name].has_presence:
            values[field.name] = getattr(holder, field.name) if holder.HasField(field.name) else None
        elif getattr(holder, field.name) or field.default is MISSING:  # else the wire's default is that of the rule
            values[field.name] = getattr(holder, field.name)
    return RULES[name](**values)
