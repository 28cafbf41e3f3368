"""Results on disk: a JSON line for each finished run, so that an interruption costs at most one."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

import asktell_server.engine

Key: TypeAlias = tuple[str, int, str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run.

    `part` names the experiment ("sequential", "in-flight-8", …). `values` are the scores of what was observed, in
    the order in which it came in, `true` those of the true metrics where they differ, `cpu_s` the processor seconds of each ask with its
    tell. `optimum` and `median` (of random configurations) are the instance's; `engine` is the digest of the engine's
    source that asktell's runs depend on. `near` is how many trials differ by at most 0.2 % of the range in every
    parameter from an earlier one; older rows lack it.
    """

    part: str
    case: str
    revision: int
    method: str
    label: str = ""
    seed: int
    values: Sequence[float]
    true: Sequence[float] | None = None
    optimum: float | None
    median: float
    floor: float
    cpu_s: Sequence[float]
    duplicates: int = 0
    near: int | None = None
    engine: str = ""
    versions: Mapping[str, str]
    machine: str

    @property
    def key(self) -> Key:
        """What makes a second run of the same superfluous."""
        return (self.part, self.revision, self.case, self.method, self.seed, self.label)

    @property
    def series(self) -> str:
        """Under which name it is compared: the method, or its label."""
        return self.label or self.method

    def line(self) -> str:
        """As JSON, without what is empty and with no more digits than mean something."""
        defaults = {each.name: each.default for each in fields(self)}
        plain = {name: value for name, value in asdict(self).items() if value is not None and value != defaults[name]}
        for name, digits in (("values", 10), ("true", 10), ("cpu_s", 3)):
            if name in plain:
                plain[name] = [float(f"{value:.{digits}g}") for value in plain[name]]
        return json.dumps(plain, separators=(",", ":"))


_FIELDS = {each.name for each in fields(Row)}


def parse(line: str) -> Row:
    """A row of its line."""
    plain = json.loads(line)
    return Row(**{"optimum": None, **{name: value for name, value in plain.items() if name in _FIELDS}})


class Results:
    """A directory with a file of rows for each part, method and label. Of several rows with one key the latest counts.

    Two processes may run different methods or labels at once: neither touches the other's file.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._rows: dict[Key, Row] = {}
        for path in sorted(directory.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
            for line in path.read_text().splitlines():
                with suppress(json.JSONDecodeError):  # a piece of a line is what a killed process left
                    row = parse(line)
                    self._rows[row.key] = row

    @property
    def rows(self) -> list[Row]:
        """All rows."""
        return list(self._rows.values())

    def has(self, key: Key, *, trials: int, engine: str) -> bool:
        """Such a run is there, long enough and of this engine (of any, where the method does not depend on it)."""
        row = self._rows.get(key)
        return row is not None and len(row.values) >= trials and row.engine == engine

    def add(self, row: Row) -> None:
        """Writes a row; a superseded one of the same key leaves the file."""
        path = self.directory / f"{'-'.join(filter(None, _file(row)))}.jsonl"
        self.directory.mkdir(parents=True, exist_ok=True)
        if row.key not in self._rows:
            self._rows[row.key] = row
            with path.open("ab+") as file:
                file.seek(max(0, file.tell() - 1))
                broken = file.read(1) not in {b"", b"\n"}
                file.write(("\n" if broken else "").encode() + f"{row.line()}\n".encode())
            return
        self._rows[row.key] = row
        whole = path.with_suffix(".new")
        whole.write_text("".join(f"{each.line()}\n" for each in self.rows if _file(each) == _file(row)))
        whole.replace(path)


def _file(row: Row) -> tuple[str, str, str]:
    return row.part, row.method, row.label


def only(rows: Iterable[Row], *, part: str, cases: Mapping[str, int]) -> list[Row]:
    """The rows of a part and of cases (name → revision)."""
    return [row for row in rows if row.part == part and cases.get(row.case) == row.revision]


def with_best_optimum(rows: Sequence[Row]) -> list[Row]:
    """Where no optimum is known, the least true value that any of these runs saw stands in for it."""
    best: dict[str, float] = {}
    for row in rows:
        best[row.case] = min(best.get(row.case, float("inf")), *(row.true or row.values))
    return [row if row.optimum is not None else replace(row, optimum=best[row.case]) for row in rows]


@cache
def engine_digest() -> str:
    """Of the engine's source files: results of another engine are not this one's."""
    return source_digest(Path(next(iter(asktell_server.engine.__path__))))


def source_digest(root: Path) -> str:
    """Of all Python files below `root`, by path and content."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of installed packages."""
    return {name: importlib.metadata.version(name) for name in packages}
