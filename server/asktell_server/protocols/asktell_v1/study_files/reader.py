"""The text of a study file to a Study message, with the place of every field in the text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from asktell.v1 import search_space_pb2, study_pb2
from asktell_server.domain.errors import InvalidArgument, NotSupported
from asktell_server.protocols.asktell_v1.study_files.early_stopping import EARLY_STOPPING
from asktell_server.protocols.asktell_v1.study_files.fidelity import read_fidelity
from asktell_server.protocols.asktell_v1.study_files.goals import read_constraints, read_metrics, read_objectives
from asktell_server.protocols.asktell_v1.study_files.nodes import FIELD, Node, Place, compose
from asktell_server.protocols.asktell_v1.study_files.priors import read_prior

MAX_CHARS = 1024 * 1024
"""Of a study file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A study file that reads well. `places`: where the fields of CreateStudyRequest stand in it."""

    name: str
    study: study_pb2.Study
    places: Mapping[str, Place]

    async def judged(self, work: Awaitable[study_pb2.Study]) -> study_pb2.Study:
        """The answer of `work`; what it refuses, and what it warns of, is said with its place in the text.

        Raises:
            AsktellError: that of `work`.
        """
        try:
            answer = await work
        except (InvalidArgument, NotSupported) as error:
            field = error.metadata["field"]
            if (place := self._locate(field)) is not None:
                place.put_on(error, error.message.removeprefix(f"{field}: "))
            raise
        for warning in answer.warnings:
            warning.place = str(self._locate(f"study.{warning.field}") or "")
        return answer

    def _locate(self, field: str) -> Place | None:
        """The place of the field, or of the nearest part that holds it."""
        while field:
            if field in self.places:
                return self.places[field]
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return None


async def read_study_file(text: str) -> StudyFile:
    """Reads a study file in a thread: the event loop goes on. What needs the domain's rules (ranges, names) is not judged here.

    Raises:
        InvalidArgument: INVALID_STUDY_FILE with line and column; the text is too long.
    """
    if len(text) > MAX_CHARS:
        raise InvalidArgument(FIELD, f"must have at most {MAX_CHARS:,} characters, got {len(text):,}")
    return await asyncio.to_thread(_Reader().read, text)


def _duration(node: Node) -> Duration:
    seconds = node.real()
    message = Duration()
    try:
        message.FromTimedelta(timedelta(seconds=seconds))
    except (OverflowError, ValueError):
        node.refuse(f"must be a number of seconds, got {seconds:g}")
    return message


def _timestamp(node: Node) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(node.time())
    return message


def _texts(node: Node) -> dict[str, str]:
    return {key: value.text() for key, value in node.mapping().items()}


def _reals(node: Node) -> dict[str, float]:
    return {key: value.real() for key, value in node.mapping().items()}


def _integers(node: Node) -> dict[str, int]:
    return {key: value.integer() for key, value in node.mapping().items()}


def _names(node: Node) -> list[str]:
    return [item.text() for item in (node.items() if node.is_list else [node])]


_Read = Callable[[Node], Any]

# Key in the file (dots lead into a part of it), field of Study, and how its value is read. `target` may be one number or, with
# several objectives, numbers by name: two fields.
_SETTINGS: tuple[tuple[str, str, _Read], ...] = (
    ("display_name", "display_name", Node.text),
    ("cost", "cost_metric", Node.text),
    ("max_running", "max_running_trials", Node.integer),
    ("replicates", "replicates", Node.integer),
    ("max_staleness", "max_staleness", Node.integer),
    ("baseline_trial", "baseline_trial", Node.integer),
    ("seed", "seed", Node.integer),
    ("parents", "parents", _names),
    ("labels", "labels", _texts),
    ("annotations", "annotations", _texts),
    ("note", "note", Node.text),
    ("stopping.max_trials", "stopping_rules.max_trials", Node.integer),
    ("stopping.target", "stopping_rules.target_value", Node.real),
    ("stopping.target by objective", "stopping_rules.target_values", _reals),
    ("stopping.patience", "stopping_rules.patience_trials", Node.integer),
    ("stopping.deadline", "stopping_rules.deadline", _timestamp),
    ("stopping.min_expected_gain", "stopping_rules.min_expected_gain", Node.real),
    ("lease.duration_s", "lease_policy.lease_duration", _duration),
    ("lease.max_attempts", "lease_policy.max_attempts", Node.integer),
)
# The same for the settings of each algorithm that has some.
_ALGORITHMS: Mapping[str, tuple[tuple[str, str, _Read], ...]] = {
    "auto": (),
    "manual": (),
    "grid": (("default_levels", "default_levels", Node.integer), ("levels", "levels", _integers)),
    "random": (),
    "sobol": (),
    "bayesian": (("start_trials", "start_trials", Node.integer),),
}
_GOALS = {"objectives": read_objectives, "outcome_constraints": read_constraints, "metrics": read_metrics}
_SCALES = {
    "linear": search_space_pb2.SCALE_LINEAR,
    "log": search_space_pb2.SCALE_LOG,
    "reverse_log": search_space_pb2.SCALE_REVERSE_LOG,
}


def _scale(*allowed: str) -> _Read:
    return lambda node: _SCALES[node.choice(allowed)]


# Keys of each type of parameter other than `type`, `default` and `prior`, which are required, and how the default is read.
_NUMBER_KEYS = ("min", "max", "scale", "step")
_DOMAINS: Mapping[str, tuple[Mapping[str, _Read], tuple[str, ...], _Read]] = {
    "float": (
        dict(zip(_NUMBER_KEYS, (Node.real, Node.real, _scale(*_SCALES), Node.real), strict=True)),
        ("min", "max"),
        Node.real,
    ),
    "int": (
        dict(zip(_NUMBER_KEYS, (Node.integer, Node.integer, _scale("linear", "log"), Node.integer), strict=True)),
        ("min", "max"),
        Node.integer,
    ),
    "discrete": ({"values": lambda node: _numbers(list(node.items()))}, ("values",), Node.number),
    "categorical": (
        {"values": lambda node: [item.category() for item in node.items()]},
        ("values",),
        Node.category,
    ),
    "bool": ({}, (), Node.boolean),
}
_DOMAIN_KEYS = (
    "type",
    *dict.fromkeys(key for keys, _, _ in _DOMAINS.values() for key in keys),
    "default",
    "when",
    "prior",
    "context",
    "fidelity",
)


class _Reader:
    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def read(self, text: str) -> StudyFile:
        root = compose(text)
        parts = dict.fromkeys(path.partition(".")[0] for path, _, _ in _SETTINGS)
        keys = root.mapping(
            (
                *("name", "objectives", "outcome_constraints", "metrics", "parameters", "parameter_constraints"),
                *("algorithm", "early_stopping", *parts),
            ),
            required=("name", "objectives", "parameters"),
        )
        self._note("study", root)
        self._note("study_id", keys["name"])
        study = study_pb2.Study()
        self._settings(_flattened(keys), _SETTINGS, study, "study")
        for part, field in (("stopping", "stopping_rules"), ("lease", "lease_policy")):
            if part in keys:
                self._note(f"study.{field}", keys[part])
        self._space(keys["parameters"], study.search_space)
        if "parameter_constraints" in keys:
            self._constraints(keys["parameter_constraints"], study.search_space)
        for key, read in _GOALS.items():
            if key in keys:
                read(keys[key], study, self._note)
        if "algorithm" in keys:
            self._algorithm(keys["algorithm"], study.algorithm)
        if "early_stopping" in keys:
            self._early_stopping(keys["early_stopping"], study.early_stopping, "study.early_stopping")
        return StudyFile(name=keys["name"].text(), study=study, places=self._places)

    def _note(self, field: str, node: Node) -> None:
        self._places[field] = node.place

    def _settings(
        self, nodes: Mapping[str, Node], table: tuple[tuple[str, str, _Read], ...], message: Message, where: str
    ) -> None:
        for key, field, read in table:
            if key in nodes:
                self._note(f"{where}.{field}", nodes[key])
                value = read(nodes[key])
                if isinstance(value, dict):
                    for name, entry in nodes[key].mapping().items():
                        self._note(f"{where}.{field}[{name}]", entry)
                elif isinstance(value, list) and nodes[key].is_list:
                    for index, entry in enumerate(nodes[key].items()):
                        self._note(f"{where}.{field}[{index}]", entry)
                _set(message, field, value, nodes[key])

    def _space(self, node: Node, space: search_space_pb2.SearchSpace) -> None:
        self._note("study.search_space", node)
        space.SetInParent()
        for name, entry in node.mapping().items():
            if entry.is_mapping and "derived" in entry.mapping():
                self._derived(name, entry, space)
                continue
            where = f"study.search_space.parameters[{len(space.parameters)}]"
            self._note(where, entry)
            self._domain(entry, space.parameters.add(name=name), where)

    def _constraints(self, node: Node, space: search_space_pb2.SearchSpace) -> None:
        where = "study.search_space.parameter_constraints"
        self._note(where, node)
        for index, constraint in enumerate(node.items()):
            self._note(f"{where}[{index}]", constraint)
            space.parameter_constraints.append(constraint.text())

    def _derived(self, name: str, node: Node, space: search_space_pb2.SearchSpace) -> None:
        """`derived: batch_size * accumulate`, and nothing else."""
        where = f"study.search_space.derived_parameters[{len(space.derived_parameters)}]"
        self._note(where, node)
        expression = node.mapping(["derived"])["derived"]
        self._note(f"{where}.expression", expression)
        space.derived_parameters.add(name=name, expression=expression.formula())

    def _domain(self, node: Node, parameter: search_space_pb2.Parameter, where: str) -> None:
        kind = node.mapping(_DOMAIN_KEYS, required=["type"])["type"].choice(_DOMAINS)
        known, required, read_default = _DOMAINS[kind]
        keys = node.mapping(("type", *known, "default", "when", "prior", "context", "fidelity"), required=required)
        domain = getattr(parameter, f"{kind}_domain")
        domain.SetInParent()
        for key, read in known.items():
            if key in keys:
                self._note(f"{where}.{kind}_domain.{key}", keys[key])
                _set(domain, key, read(keys[key]), keys[key])
        if "default" in keys:
            self._note(f"{where}.default_value", keys["default"])
            default = read_default(keys["default"])
            if kind == "discrete" and any(value.HasField("double_value") for value in domain.values):
                default = keys["default"].real()  # an int among floats means a float
            _set(parameter, "default_value", _value(default, keys["default"]), keys["default"])
        if "prior" in keys:
            read_prior(keys["prior"], parameter.prior, f"{where}.prior", self._note)
        if "context" in keys:
            self._note(f"{where}.context", keys["context"])
            parameter.context = keys["context"].boolean()
        if "fidelity" in keys:
            read_fidelity(keys["fidelity"], parameter, f"{where}.fidelity", self._note)
        if "when" in keys:
            self._condition(keys["when"], parameter.condition, f"{where}.condition")

    def _condition(self, node: Node, condition: search_space_pb2.Condition, where: str) -> None:
        """`when: {opt: [sgd]}`, or `{opt: sgd}` for a single value."""
        self._note(where, node)
        parents = node.mapping()
        if len(parents) != 1:
            node.refuse(f"must name one parameter and its values, got {', '.join(parents) or 'none'}")
        ((parent, values),) = parents.items()
        condition.parent = parent
        for part in ("parent", "values"):
            self._note(f"{where}.{part}", values)
        for index, value in enumerate(values.items() if values.is_list else [values]):
            self._note(f"{where}.values[{index}]", value)
            condition.values.append(_value(value.scalar(), value))

    def _algorithm(self, node: Node, algorithm: study_pb2.Algorithm) -> None:
        self._note("study.algorithm", node)
        if not node.is_mapping:
            getattr(algorithm, node.choice(_ALGORITHMS)).SetInParent()
            return
        chosen = node.mapping(_ALGORITHMS)
        if len(chosen) != 1:
            node.refuse(f"must name one algorithm, got {', '.join(chosen) or 'none'}")
        (name, settings), *_ = chosen.items()
        message = getattr(algorithm, name)
        message.SetInParent()
        keys = settings.mapping([key for key, _, _ in _ALGORITHMS[name]])
        self._settings(keys, _ALGORITHMS[name], message, f"study.algorithm.{name}")

    def _early_stopping(self, node: Node, message: study_pb2.EarlyStopping, where: str) -> None:
        """`median`, `{median: {min_steps: 3}}`, or a list of such."""
        self._note(where, node)
        rules = list(node.items()) if node.is_list else [node]
        if len(rules) != 1:
            message.any.SetInParent()
            for index, rule in enumerate(rules):
                self._early_stopping(rule, message.any.rules.add(), f"{where}.any.rules[{index}]")
            return
        rule = rules[0]
        if not rule.is_mapping:
            getattr(message, rule.choice(EARLY_STOPPING)).SetInParent()
            return
        chosen = rule.mapping(EARLY_STOPPING)
        if len(chosen) != 1:
            rule.refuse(f"must name one rule, got {', '.join(chosen) or 'none'}; several are a list")
        ((name, settings),) = chosen.items()
        getattr(message, name).SetInParent()
        self._note(f"{where}.{name}", settings)
        table = EARLY_STOPPING[name]
        self._settings(settings.mapping([key for key, _, _ in table]), table, message, where)


def _flattened(keys: Mapping[str, Node]) -> dict[str, Node]:
    """The nodes by key, those of parts by `part.key`."""
    flat = dict(keys)
    for part in ("stopping", "lease"):
        if part in keys:
            known = [
                key
                for path, _, _ in _SETTINGS
                for head, _, key in [path.partition(".")]
                if head == part and " " not in key
            ]
            flat.update({f"{part}.{key}": node for key, node in keys[part].mapping(known).items()})
    if "stopping.target" in flat and flat["stopping.target"].is_mapping:
        flat["stopping.target by objective"] = flat.pop("stopping.target")
    return flat


def _set(message: Message, path: str, value: object, node: Node) -> None:
    """Sets a field, by a path of names; a number that the field cannot hold is refused."""
    *parts, name = path.split(".")
    for part in parts:
        message = getattr(message, part)
    try:
        if isinstance(value, dict):
            getattr(message, name).update(value)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        elif isinstance(value, Message):
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, value)
    except (ValueError, OverflowError):
        node.refuse("is too large a number")


def _numbers(items: list[Node]) -> list[search_space_pb2.ParameterValue]:
    """Discrete values: ints where all are written as ints, else floats."""
    numbers = [item.number() for item in items]
    if any(isinstance(number, float) for number in numbers):
        numbers = [item.real() for item in items]
    return [_value(number, item) for number, item in zip(numbers, items, strict=True)]


def _value(value: float | str | bool, node: Node) -> search_space_pb2.ParameterValue:
    message = search_space_pb2.ParameterValue()
    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
    _set(message, kind, value, node)
    return message
