"""Charts as files: a page that needs no network, or a picture that needs no browser."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt

FORMATS = ("html", "png", "svg")
_PNG_SCALE = 2.0


class InsideScript(json.JSONEncoder):
    """JSON within a page's script: a category called `</script>` must not end it."""

    def encode(self, value: Any) -> str:
        return super().encode(value).replace("<", "\\u003c")


def save(chart: Any, path: Path, *, title: str) -> None:
    """Writes the chart; the format is that of the file's name.

    Raises:
        ValueError: it is none of `FORMATS`. OSError: the file cannot be written.
    """
    kind = format_of(path)
    if kind == "html":
        path.write_text(_page(chart, title), encoding="utf-8")
    else:
        chart.save(str(path), format=kind, scale_factor=_PNG_SCALE if kind == "png" else 1.0)


def below_each_other(charts: Sequence[Any]) -> Any:
    """One chart of several, each with colours of its own."""
    return (
        charts[0] if len(charts) == 1 else alt.vconcat(*charts).resolve_scale(color="independent", shape="independent")
    )


def format_of(path: Path) -> str:
    """The format that a file's name asks for. Raises ValueError: it is none of `FORMATS`."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise ValueError(f"a plot is a file that ends in .{', .'.join(FORMATS)}, got {path.name!r}")
    return kind


def _page(chart: Any, title: str) -> str:
    page: str = chart.to_html(
        inline=True,
        json_kwds={"cls": InsideScript},
        # The editor is a page of the web; saving as PNG or SVG is done by the page itself.
        embed_options={
            "renderer": "svg",
            "actions": {"export": True, "source": False, "compiled": False, "editor": False},
        },
    )
    return page.replace("<head>", f"<head>\n  <title>{html.escape(title)}</title>", 1)
