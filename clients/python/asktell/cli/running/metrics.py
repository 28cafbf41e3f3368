"""Metrics out of a program's stdout: JSON lines, or the last match of a pattern."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from asktell._core.course import Step


@dataclass(slots=True)
class MetricsReader:
    """Reads stdout line by line. `result` is what the last line with final metrics said; None until there is one.

    Attributes:
        declared: the study's metrics; the server refuses others, so they are dropped and kept in `dropped`.
        objective: the metric that `pattern` gives a value to, group 1 or the whole match.
        annotations: texts by key that the program said of its run: `{"annotations": {"run.artifact.model": "s3://…"}}`.
    """

    declared: Collection[str]
    objective: str
    pattern: re.Pattern[str] | None = None
    result: dict[str, float] | None = None
    last_step: Step | None = None
    dropped: set[str] = field(default_factory=set)
    annotations: dict[str, str] = field(default_factory=dict)

    def read(self, line: str) -> Step | str | None:
        """A report, None for a line that was a result or annotations, or the line itself when it says nothing to us."""
        matched = self._match(line)
        record = _json_object(line)
        if record is None:
            return None if matched else line
        said = _annotations(record)
        self.annotations |= said
        numbers = {name: number for name, value in record.items() if (number := _number(value)) is not None}
        step = numbers.pop("step", None)
        self.dropped |= numbers.keys() - set(self.declared)
        metrics = {name: value for name, value in numbers.items() if name in self.declared}
        if not metrics:
            return None if said else line
        if step is None:
            self.result = metrics
            return None
        self.last_step = Step(int(step), metrics)
        return self.last_step

    def _match(self, line: str) -> bool:
        if self.pattern is None:
            return False
        matches = list(self.pattern.finditer(line))
        if not matches:
            return False
        found = matches[-1]
        try:
            value = float(found[1] if self.pattern.groups else found[0])
        except (TypeError, ValueError):  # an optional group that took no part, or text that is no number
            return False
        self.result = {**(self.result or {}), self.objective: value}
        return True


def _json_object(line: str) -> dict[str, object] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _annotations(record: dict[str, object]) -> dict[str, str]:
    """Texts as they are, numbers and bools as JSON has them."""
    said = record.get("annotations")
    if not isinstance(said, dict):
        return {}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in said.items()
        if isinstance(value, str | int | float)
    }


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
