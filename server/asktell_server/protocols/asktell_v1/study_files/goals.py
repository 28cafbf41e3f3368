"""What a study file says of metrics: objectives, outcome constraints, tracked metrics."""

from __future__ import annotations

from collections.abc import Callable

from asktell.v1 import study_pb2
from asktell_server.protocols.asktell_v1.study_files.nodes import Node

Note = Callable[[str, Node], None]
"""Notes where a field of CreateStudyRequest stands."""

_GOALS = {"minimize": study_pb2.GOAL_MINIMIZE, "maximize": study_pb2.GOAL_MAXIMIZE}
_SPLITS = {"validation": study_pb2.SPLIT_VALIDATION, "train": study_pb2.SPLIT_TRAIN, "test": study_pb2.SPLIT_TEST}


def read_objectives(node: Node, study: study_pb2.Study, note: Note) -> None:
    """Reads `objectives`."""
    note("study.objectives", node)
    for index, item in enumerate(node.items()):
        where = f"study.objectives[{index}]"
        note(where, item)
        keys = item.mapping(("metric", "goal", "split", "reference"), required=("metric", "goal"))
        for key, value in keys.items():
            note(f"{where}.{'reference_value' if key == 'reference' else key}", value)
        study.objectives.add(
            metric=keys["metric"].text(),
            goal=read_goal(keys["goal"]),
            split=_split(keys.get("split")),
            reference_value=keys["reference"].real() if "reference" in keys else None,
        )


def read_constraints(node: Node, study: study_pb2.Study, note: Note) -> None:
    """Reads `outcome_constraints`."""
    note("study.outcome_constraints", node)
    for index, item in enumerate(node.items()):
        where = f"study.outcome_constraints[{index}]"
        note(where, item)
        keys = item.mapping(("metric", "max", "min", "of_baseline", "split"), required=("metric",))
        for key, value in keys.items():
            note(f"{where}.{key}", value)
        if ("max" in keys) == ("min" in keys):
            item.refuse("must have one bound, max or min")
        study.outcome_constraints.add(
            metric=keys["metric"].text(),
            max=keys["max"].real() if "max" in keys else None,
            min=keys["min"].real() if "min" in keys else None,
            of_baseline=keys["of_baseline"].boolean() if "of_baseline" in keys else False,
            split=_split(keys.get("split")),
        )


def read_metrics(node: Node, study: study_pb2.Study, note: Note) -> None:
    """Reads `metrics`: those that are only tracked."""
    note("study.tracked_metrics", node)
    for index, item in enumerate(node.items()):
        note(f"study.tracked_metrics[{index}]", item)
        if not item.is_mapping:
            study.tracked_metrics.add(metric=item.text())
            continue
        keys = item.mapping(("metric", "split"), required=["metric"])
        study.tracked_metrics.add(metric=keys["metric"].text(), split=_split(keys.get("split")))


def read_goal(node: Node) -> study_pb2.Goal.ValueType:
    """`minimize` or `maximize`."""
    return _GOALS[node.choice(_GOALS)]


def _split(node: Node | None) -> study_pb2.Split.ValueType:
    return study_pb2.SPLIT_UNSPECIFIED if node is None else _SPLITS[node.choice(_SPLITS)]
