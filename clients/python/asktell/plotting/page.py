"""A page of text and charts in one file, which needs no network and makes no request.

Its content security policy allows the page's own script and nothing else: not even a text of the study that looked like
a script would run. Colours follow the reader's choice of light or dark.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import vl_convert

from asktell.plotting.output import InsideScript


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart, and what it shows in words: its caption, and what a screen reader says of it."""

    chart: Any
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page. `key`: its anchor. `body`: HTML, in which people's texts are escaped; it stands above the figures."""

    key: str
    title: str
    body: str = ""
    figures: Sequence[Figure] = ()


def render(title: str, sections: Sequence[Section]) -> str:
    """The page."""
    script = _script()
    figures = [figure for section in sections for figure in section.figures]
    specs = json.dumps([_adaptive(figure.chart.to_dict()) for figure in figures], cls=InsideScript)
    contents = "".join(f'<li><a href="#{escape(each.key)}">{escape(each.title)}</a></li>' for each in sections)
    body, number = [], 0
    for section in sections:
        drawn = "".join(_figure(number + index, each) for index, each in enumerate(section.figures))
        number += len(section.figures)
        body.append(
            f'<section id="{escape(section.key)}"><h2>{escape(section.title)}</h2>{section.body}{drawn}</section>'
        )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>{escape(title)}</h1><nav aria-label="contents"><ul>{contents}</ul></nav></header>
<main>{"".join(body)}</main>
<noscript><p>The charts are drawn by a script of this page, which this browser does not run.</p></noscript>
<script type="application/json" id="specs">{specs}</script>
<script>{script}</script>
</body>
</html>
"""


def _figure(number: int, figure: Figure) -> str:
    caption = escape(figure.caption)
    return (
        f'<figure><div class="chart" id="chart-{number}" role="img" aria-label="{caption}"></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _script() -> str:
    """Vega and what draws the specs; without `eval`, which the policy forbids."""
    bundle: str = vl_convert.javascript_bundle(_DRAW)
    return bundle.replace("</script", "<\\/script")


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",  # the charts' menus bring theirs along
        "img-src": "data: blob:",  # a chart that is saved as a picture
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _adaptive(part: Any) -> Any:
    """A spec whose black and white are the page's text and background, whichever they are."""
    if isinstance(part, dict):
        return {name: each if name in {"data", "datasets"} else _adaptive(each) for name, each in part.items()}
    if isinstance(part, list):
        return [_adaptive(each) for each in part]
    return {"black": "CanvasText", "white": "Canvas"}.get(part, part) if isinstance(part, str) else part


# Vega's embedding, with the interpreter of expressions in place of compiled ones.
_DRAW = """
const muted = "color-mix(in srgb, CanvasText 65%, Canvas)";
const faint = "color-mix(in srgb, CanvasText 18%, Canvas)";
const text = {labelColor: muted, titleColor: "CanvasText"};
const config = {
  background: null,
  font: "system-ui, sans-serif",
  axis: {...text, gridColor: faint, domainColor: muted, tickColor: muted},
  legend: text,
  header: text,
  title: {color: "CanvasText", subtitleColor: muted},
  text: {fill: "CanvasText"},
  view: {stroke: faint},
};
const options = {
  renderer: "svg",
  ast: true,
  logLevel: 1,  // errors; Vega warns of every plot without points
  config,
  tooltip: {theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"},
  actions: {export: true, source: false, compiled: false, editor: false},
};
const specs = JSON.parse(document.getElementById("specs").textContent);
specs.forEach((spec, number) => {
  const place = document.getElementById(`chart-${number}`);
  vegaEmbed(place, spec, options).catch((error) => {
    console.error(error);
    place.textContent = `This chart cannot be drawn: ${error.message}`;
  });
});
"""

_STYLE = """
:root { color-scheme: light dark; --muted: color-mix(in srgb, CanvasText 65%, Canvas); --best: #00875f;
  --line: color-mix(in srgb, CanvasText 18%, Canvas); --bad: #c2410c; --note: #92600a; }
@media (prefers-color-scheme: dark) { :root { --best: #35d29e; --bad: #ff8a5c; --note: #f0b84a; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1.5rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .75rem 0 0; }
a { color: inherit; }
.quiet { color: var(--muted); }
.scroll, figure { overflow-x: auto; }
.tall { max-height: 32rem; overflow-y: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .75rem .2rem 0; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
td.wrap { white-space: normal; }
td.number, th.number { text-align: right; }
tr.best { color: var(--best); font-weight: 600; }
.error { color: var(--bad); font-weight: 600; }
.warning { color: var(--note); font-weight: 600; }
.big { font-size: 1.3rem; }
figure { margin: 1rem 0; }
.mark-rect path { shape-rendering: crispEdges; }
figcaption { color: var(--muted); font-size: .85rem; max-width: 60rem; }

"""
