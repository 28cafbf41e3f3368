"""Study files: a study's name and specification in YAML, with line numbers in every complaint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asktell._core.yaml_nodes import Node, StudyFileError, read
from asktell.spaces import Bool, Categorical, Discrete, Domain, Float, Int
from asktell.spec import ALGORITHMS, Algorithm, Bayesian, Goal, Grid, Metric, Objective, Split
from asktell.study_spec import StudySpec

__all__ = ["StudyFile", "StudyFileError", "load_study_file"]

_KEYS = [
    "name",
    "display_name",
    "objectives",
    "metrics",
    "parameters",
    "algorithm",
    "stopping",
    "lease",
    "max_running",
    "replicates",
    "max_staleness",
    "seed",
    "labels",
    "annotations",
]
_DOMAIN_KEYS = {
    "float": ("min", "max", "scale", "step", "default"),
    "int": ("min", "max", "scale", "step", "default"),
    "discrete": ("values", "default"),
    "categorical": ("values", "default"),
    "bool": ("default",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A study file that reads well. `places`: where the fields of the contract stand in it, with line and key."""

    path: Path
    name: str
    spec: StudySpec
    places: Mapping[str, str]

    def locate(self, field: str) -> str:
        """`file:line:column: key` of a field that the server complains about, or of the part that holds it."""
        while field:
            if field in self.places:
                return self.places[field]
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return str(self.path)


def load_study_file(path: str | os.PathLike[str]) -> StudyFile:
    """Reads a study file. What only the server can judge (ranges, names) is left to it.

    Raises:
        StudyFileError: with file, line and column.
    """
    file = Path(path)
    return _Reader().read(file, read(file))


class _Reader:
    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def read(self, file: Path, root: Node) -> StudyFile:
        keys = root.mapping(_KEYS, required=("name", "objectives", "parameters"))
        self._note("study", root)
        self._note("study_id", keys["name"])
        stopping = self._part(keys, "stopping", "stopping_rules", ("max_trials", "target", "patience", "deadline"))
        lease = self._part(keys, "lease", "lease_policy", ("duration_s", "max_attempts"))
        optional: dict[str, Any] = {}
        for name, nodes, key, wire, value in (
            ("display_name", keys, "display_name", "display_name", Node.text),
            ("max_running", keys, "max_running", "max_running_trials", Node.integer),
            ("replicates", keys, "replicates", "replicates", Node.integer),
            ("max_staleness", keys, "max_staleness", "max_staleness", Node.integer),
            ("seed", keys, "seed", "seed", Node.integer),
            ("algorithm", keys, "algorithm", "algorithm", _algorithm),
            ("labels", keys, "labels", "labels", _texts),
            ("annotations", keys, "annotations", "annotations", _texts),
            ("max_trials", stopping, "max_trials", "stopping_rules.max_trials", Node.integer),
            ("target", stopping, "target", "stopping_rules.target_value", Node.number),
            ("patience", stopping, "patience", "stopping_rules.patience_trials", Node.integer),
            ("deadline", stopping, "deadline", "stopping_rules.deadline", Node.time),
            ("lease_s", lease, "duration_s", "lease_policy.lease_duration", Node.number),
            ("max_attempts", lease, "max_attempts", "lease_policy.max_attempts", Node.integer),
        ):
            if key in nodes:
                self._note(f"study.{wire}", nodes[key])
                optional[name] = value(nodes[key])
        spec = StudySpec(
            space=self._space(keys["parameters"]),
            objectives=self._objectives(keys["objectives"]),
            metrics=self._metrics(keys["metrics"]) if "metrics" in keys else (),
            **optional,
        )
        return StudyFile(path=file, name=keys["name"].text(), spec=spec, places=self._places)

    def _note(self, field: str, node: Node) -> None:
        self._places[field] = f"{node.place}: {node.path}" if node.path else node.place

    def _part(self, keys: dict[str, Node], key: str, wire: str, known: tuple[str, ...]) -> dict[str, Node]:
        if key not in keys:
            return {}
        self._note(f"study.{wire}", keys[key])
        return keys[key].mapping(known)

    def _space(self, node: Node) -> dict[str, Domain]:
        self._note("study.search_space", node)
        space: dict[str, Domain] = {}
        for index, (name, domain) in enumerate(node.mapping().items()):
            where = f"study.search_space.parameters[{index}]"
            self._note(where, domain)
            space[name] = self._domain(domain, where)
        return space

    def _domain(self, node: Node, where: str) -> Domain:
        every_key = {key for keys in _DOMAIN_KEYS.values() for key in keys}
        kind = node.mapping({"type", *every_key}, required=["type"])["type"].choice(_DOMAIN_KEYS)
        required = [key for key in ("min", "max", "values") if key in _DOMAIN_KEYS[kind]]
        keys = node.mapping(("type", *_DOMAIN_KEYS[kind]), required=required)
        for key, value in keys.items():
            self._note(f"{where}.default_value" if key == "default" else f"{where}.{kind}_domain.{key}", value)
        default = keys.get("default")
        match kind:
            case "float":
                scale = keys["scale"].choice(("linear", "log", "reverse_log")) if "scale" in keys else "linear"
                return Float(
                    float(keys["min"].number()),
                    float(keys["max"].number()),
                    log=scale == "log",
                    reverse_log=scale == "reverse_log",
                    step=float(keys["step"].number()) if "step" in keys else None,
                    default=None if default is None else float(default.number()),
                )
            case "int":
                scale = keys["scale"].choice(("linear", "log")) if "scale" in keys else "linear"
                return Int(
                    keys["min"].integer(),
                    keys["max"].integer(),
                    log=scale == "log",
                    step=keys["step"].integer() if "step" in keys else None,
                    default=None if default is None else default.integer(),
                )
            case "discrete":
                numbers = [value.number() for value in keys["values"].items()]
                return Discrete(numbers, default=None if default is None else default.number())
            case "categorical":
                names = [value.text() for value in keys["values"].items()]
                return Categorical(names, default=None if default is None else default.text())
            case _:
                return Bool(default=None if default is None else default.boolean())

    def _objectives(self, node: Node) -> list[Objective]:
        self._note("study.objectives", node)
        objectives = []
        for index, item in enumerate(node.items()):
            keys = item.mapping(("metric", "goal", "split"), required=("metric", "goal"))
            self._note(f"study.objectives[{index}]", item)
            for key, value in keys.items():
                self._note(f"study.objectives[{index}].{key}", value)
            goal = Goal(keys["goal"].choice([goal.value for goal in Goal]))
            objectives.append(Objective(keys["metric"].text(), goal, _split(keys.get("split"))))
        return objectives

    def _metrics(self, node: Node) -> list[Metric]:
        self._note("study.tracked_metrics", node)
        metrics = []
        for index, item in enumerate(node.items()):
            self._note(f"study.tracked_metrics[{index}]", item)
            if item.is_mapping:
                keys = item.mapping(("metric", "split"), required=["metric"])
                metrics.append(Metric(keys["metric"].text(), _split(keys.get("split"))))
            else:
                metrics.append(Metric(item.text()))
        return metrics


def _split(node: Node | None) -> Split:
    return Split.VALIDATION if node is None else Split(node.choice([split.value for split in Split]))


def _texts(node: Node) -> dict[str, str]:
    return {key: value.text() for key, value in node.mapping().items()}


def _algorithm(node: Node) -> Algorithm:
    if not node.is_mapping:
        return ALGORITHMS[node.choice(ALGORITHMS)]()
    chosen = node.mapping(ALGORITHMS)
    if len(chosen) != 1:
        node.refuse(f"must name one algorithm, got {', '.join(chosen) or 'none'}")
    name, settings = next(iter(chosen.items()))
    match name:
        case "grid":
            keys = settings.mapping(("default_levels", "levels"))
            levels = (
                {key: value.integer() for key, value in keys["levels"].mapping().items()} if "levels" in keys else {}
            )
            return Grid(levels, keys["default_levels"].integer() if "default_levels" in keys else Grid().default_levels)
        case "bayesian":
            keys = settings.mapping(["start_trials"])
            return Bayesian(keys["start_trials"].integer()) if keys else Bayesian()
        case _:
            settings.mapping(())
            return ALGORITHMS[name]()
