"""The manifest of a Valkey's append-only files: which files hold the data, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asktell_server.store.valkey_process import APPEND_ONLY, EmbeddedStoreError

MANIFEST = "appendonly.aof.manifest"
_EMPTY_BASE = 160
"""Bytes. The base file of an empty store has about 90, one with a study several hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the manifest names: the base (None = there is none), then the files of changes, the oldest first."""

    base: Path | None
    changes: tuple[Path, ...]

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that the data needs."""
        return (*(() if self.base is None else (self.base,)), *self.changes)


def read_manifest(directory: Path) -> Files | None:
    """The files of the data directory; None where there is no data yet.

    Raises:
        EmbeddedStoreError: there are files without a manifest, or it is not one, or a file that it names is missing.
    """
    folder = directory / APPEND_ONLY
    manifest = folder / MANIFEST
    try:
        text = manifest.read_text(encoding="utf-8")
    except FileNotFoundError:
        _require_nothing_in(folder)
        return None
    except (OSError, ValueError) as error:
        raise EmbeddedStoreError(f"{manifest} cannot be read: {error}") from error
    base: Path | None = None
    changes: list[tuple[int, Path]] = []
    for line in filter(None, (line.partition("#")[0].split() for line in text.splitlines())):
        fields = dict(zip(line[::2], line[1::2], strict=False))
        name, number, kind = fields.get("file", ""), fields.get("seq", ""), fields.get("type")
        if not name or Path(name).name != name or not number.isdecimal() or kind not in ("b", "i", "h"):
            raise EmbeddedStoreError(
                f"{manifest} is damaged: it should list the AOF files and has the line {' '.join(line)[:100]!r}. "
                "Restore the data directory from a backup"
            )
        if kind == "b":
            base = folder / name
        elif kind == "i":
            changes.append((int(number), folder / name))
    files = Files(base=base, changes=tuple(path for _, path in sorted(changes)))
    for path in files.all:
        if not path.is_file():
            raise EmbeddedStoreError(f"{path} is missing, and {manifest} names it. Restore it from a backup")
    return files


def _require_nothing_in(folder: Path) -> None:
    """A Valkey without a manifest starts empty and writes over what is there."""
    try:
        present = {path: path.stat().st_size for path in folder.iterdir() if path.name.startswith("appendonly.aof.")}
    except FileNotFoundError:
        return
    except OSError as error:
        raise EmbeddedStoreError(f"{folder} cannot be read: {error}") from error
    # A first start that was cut off leaves an empty store's files: a base of some bytes and no changes.
    if any(size > (_EMPTY_BASE if path.suffix == ".rdb" else 0) for path, size in present.items()):
        names = ", ".join(sorted(path.name for path in present))
        raise EmbeddedStoreError(
            f"{folder / MANIFEST} is missing, and there are data files ({names}): without it the store would start "
            "empty and write over them. Restore it from a backup, or move the files away to start empty"
        )
