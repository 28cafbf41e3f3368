"""Which column of a file is what of a trial."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asktell._core.study_view import StudyView
from asktell.cli.output import metrics_of
from asktell.cli.tables.columns import did_you_mean

FACTS = ("key", "state", "reason", "note", "start_time", "finish_time")
"""What is known of a trial besides its values, by the names of columns."""

_ALSO_CALLED = {"outcome": "state", "import_key": "key"}
# Columns of `trials --csv` and of exports that say nothing to an import.
_UNUSED = {"number", "name", "best", "best_by_model", "origin", "attempt", "duration_s", "worker_id", "create_time"}
_PREFIXES = ("param", "metric", "standard_error", "label", "annotation")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What each column is: `param.lr`, `metric.loss`, `state`, … `unused`: columns that are nothing of a trial."""

    targets: Mapping[str, str]
    unused: Sequence[str] = field(default=())

    def column(self, target: str) -> str:
        """The column of a target; the target itself where there is none."""
        return next((column for column, each in self.targets.items() if each == target), target)


def map_columns(study: StudyView, columns: Sequence[str], given: Sequence[str] = ()) -> Mapped:
    """What the columns are, by their names and by `given` (`column=parameter`; `column=` for what is not used).

    Raises:
        ValueError: a mapping that makes no sense, a name with two meanings, a parameter without a column.
    """
    chosen = dict(_given(study, each, columns) for each in given)
    targets: dict[str, str] = {}
    unused: list[str] = []
    for column in columns:
        target = chosen[column] if column in chosen else _target(study, column)
        if not target:
            if column not in chosen and column not in _UNUSED:
                unused.append(column)
            continue
        taken = next((other for other, each in targets.items() if each == target), None)
        if taken is not None:
            raise ValueError(f"columns {taken!r} and {column!r} are both {target}: --map {column}= leaves one out")
        targets[column] = target
    for name in study.domains:
        if f"param.{name}" not in targets.values():
            near = [column for column in unused if re.split("[./:]", column)[-1] == name]  # config.lr
            near += difflib.get_close_matches(name, unused, n=1)
            raise ValueError(f"no column for the parameter {name!r}: --map {near[0] if near else 'COLUMN'}={name}")
    return Mapped(targets, unused)


def _given(study: StudyView, text: str, columns: Sequence[str]) -> tuple[str, str]:
    column, equals, name = text.rpartition("=")
    if not equals:
        raise ValueError(f"--map {text}: must be COLUMN=NAME")
    if column not in columns:
        raise ValueError(f"--map {text}: there is no column {column!r}; the file has {', '.join(columns)}")
    target = _target(study, name) if name else ""
    if name and not target:
        known = [*study.space, *(each.name for each in metrics_of(study)), *FACTS]
        raise ValueError(f"--map {text}: {name!r} is no parameter or metric of the study{did_you_mean(name, known)}")
    return column, target


def _target(study: StudyView, name: str) -> str:
    """What a name means; "" = nothing. Raises ValueError: it has two meanings."""
    prefix, dot, rest = name.partition(".")
    metrics = {each.name for each in metrics_of(study)}
    meanings = [f"param.{name}"] if name in study.space else []
    meanings += [f"metric.{name}"] if name in metrics else []
    if not meanings and dot and prefix in _PREFIXES:
        known = {"param": set(study.space), "metric": metrics, "standard_error": metrics}.get(prefix)
        meanings = [name] if rest and (known is None or rest in known) else []
    if not meanings:
        fact = _ALSO_CALLED.get(name, name)
        meanings = [fact] if fact in FACTS else []
    if len(meanings) > 1:
        raise ValueError(f"{name!r} is a parameter and a metric: --map {name}=param.{name}, or metric.{name}")
    return meanings[0] if meanings else ""
