"""What notebooks show of handles. Every text that somebody chose is escaped: studies are shared between people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING

from asktell._core.shown import short
from asktell.spaces import Derived, Domain

if TYPE_CHECKING:
    from asktell._core.study_view import StudyView
    from asktell._core.trial_view import TrialView


def study_html(study: StudyView, summary: str) -> str:
    """Name, `summary`, objectives and the search space."""
    objectives = ", ".join(f"{each.goal} {each.metric} ({each.split})" for each in study.objectives)
    facts = [("state", summary), ("objective", objectives), ("algorithm", type(study.algorithm).__name__.lower())]
    space = [(name, _domain(domain)) for name, domain in study.space.items()]
    return f"<div>{_title(study.display_name or study.name)}{_table(facts)}{_table(space)}</div>"


def trial_html(trial: TrialView) -> str:
    """Name, state, metrics, parameters and why it failed."""
    metrics = [(name, short(value)) for name, value in trial.metrics.items()]
    params = [(name, short(value)) for name, value in trial.params.items()]
    reason = f"<pre>{escape(trial.reason)}</pre>" if trial.reason.strip() else ""
    return f"<div>{_title(trial.name)}{_table([('state', str(trial.state))])}{_table(metrics)}{_table(params)}{reason}</div>"


def table_html(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A title, and a table below it; `header` may be empty."""
    head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    table = (f"<thead><tr>{head}</tr></thead>" if head else "") + body
    return f"<div>{_title(title)}{f'<table>{table}</table>' if table else ''}</div>"


def _domain(domain: Domain | Derived) -> str:
    """`Float(min=1e-05, max=0.001, log=True)`: what was said of it, without the defaults."""
    said = [
        (each.name, getattr(domain, each.name)) for each in fields(domain) if getattr(domain, each.name) != each.default
    ]
    return f"{type(domain).__name__}({', '.join(f'{name}={value!r}' for name, value in said)})"


def _title(text: str) -> str:
    return f"<strong>{escape(text)}</strong>"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th><td style="text-align: left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{body}</table>" if body else ""
