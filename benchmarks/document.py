"""Puts what a command printed into a page, between two marks that name it, so that the page says what was printed."""

from __future__ import annotations

from pathlib import Path


def marks(name: str) -> tuple[str, str]:
    """The lines between which the text goes; Markdown shows neither."""
    return f"<!-- begin {name} -->", f"<!-- end {name} -->"


def write(page: Path, name: str, text: str) -> None:
    """Replaces what is between the marks of `name`; appends them to a page that has none."""
    begin, end = marks(name)
    old = page.read_text() if page.exists() else ""
    block = f"{begin}\n\n{text.strip()}\n\n{end}"
    if begin in old and end in old.partition(begin)[2]:
        head, _, rest = old.partition(begin)
        new = head + block + rest.partition(end)[2]
    else:
        new = f"{old.rstrip()}\n\n{block}\n" if old else f"{block}\n"
    page.write_text(new)
