"""An explanation in a terminal: sections of aligned lines, the same in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import click

from asktell._core.shown import short
from asktell.analysis import Health, HealthSeverity, Importances
from asktell.cli.explaining import words
from asktell.cli.explaining.gathering import NO_ANALYSIS, Absent, Explanation, OfMetric
from asktell.cli.output import can_show, console
from asktell.cli.tables.printing import print_facts

Fact: TypeAlias = tuple[str, str, str]
"""A name, what is said of it, and rich's style."""

_BAR = 24
_STYLES = {HealthSeverity.ERROR: "bold red", HealthSeverity.WARNING: "yellow", HealthSeverity.INFO: ""}
_ROOM_FOR_NAMES = 30
_LEAST_WIDTH = 40


def print_explanation(explanation: Explanation) -> None:
    """Prints all of it."""
    study = explanation.study
    print_facts(
        study.name,
        [("state", words.summary(explanation), ""), ("best so far", words.best_so_far(explanation), "bold green")],
    )
    _section("the configuration to use", _recommended(explanation))
    if explanation.has_model:
        _print_model(explanation)
    else:
        _section("what a model says", [_absent(NO_ANALYSIS)])
    print_health(explanation.health)


def _print_model(explanation: Explanation) -> None:
    for metric, found in explanation.metrics.items():
        of = f" of {metric}" if len(explanation.metrics) > 1 else ""
        _section(f"what explains the variation{of}", _importances(found.importances))
        _section(f"interactions{of}", _interactions(found))
        _section(f"can the model{of} be believed?", _trust(found))
    if len(explanation.metrics) > 1:
        _section("trade-offs along the Pareto front", _trade_offs(explanation))


def print_health(found: Health | Absent) -> None:
    """Prints findings with their advice, and what further trials are expected to gain."""
    if found is NO_ANALYSIS:
        return
    if isinstance(found, Absent):
        _section("health", [_absent(found)])
        return
    click.echo()
    print_health_of("health", found)


def print_health_of(title: str, found: Health) -> None:
    """The same under a title of its own."""
    facts = [
        (each.severity.value.lower(), words.about(each), _STYLES.get(each.severity, "")) for each in found.findings
    ] or [("", "nothing to complain of", "")]
    if found.expected_gains:
        facts.append(("", words.gains(found.expected_gains), ""))
    print_facts(title, [line for fact in facts for line in _wrapped(fact)])


def _section(title: str, facts: Iterable[Fact]) -> None:
    click.echo()
    print_facts(title, [line for fact in facts for line in _wrapped(fact)])


def _wrapped(fact: Fact) -> list[Fact]:
    """A long sentence in lines that fit a terminal; a pipe gets it as it is."""
    name, text, style = fact
    terminal = console()
    if not terminal.is_terminal:
        return [fact]
    lines = textwrap.wrap(text, max(_LEAST_WIDTH, terminal.width - _ROOM_FOR_NAMES), break_long_words=False) or [text]
    return [(name if index == 0 else " ", line, style) for index, line in enumerate(lines)]


def _absent(part: Absent) -> Fact:
    return "-", part.reason, "dim"


def _recommended(explanation: Explanation) -> list[Fact]:
    found = explanation.recommended
    if isinstance(found, Absent):
        return [_absent(found)]
    metric = explanation.study.objectives[0].metric
    params = [(name, short(value), "") for name, value in found.trial.params.items()]
    return [
        *params,
        ("why", words.why_recommended(found), "dim"),
        ("expected", words.expected(found, metric), "bold"),
    ]


def _importances(found: Importances | Absent) -> list[Fact]:
    if isinstance(found, Absent):
        return [_absent(found)]
    return [
        (
            name,
            f"{_bar(each.total_share)}  {words.share(each.total_share, each.total_share_deviation)}, alone {each.share:.2f}",
            "",
        )
        for name, each in found.items()
    ]


def _bar(share: float) -> str:
    full, empty = ("█", "░") if can_show("█") else ("#", ".")
    filled = round(min(1.0, max(0.0, share)) * _BAR)
    return full * filled + empty * (_BAR - filled)


def _interactions(found: OfMetric) -> list[Fact]:
    if isinstance(found.interactions, Absent):
        return [_absent(found.interactions)]
    if not found.interactions:
        return [("-", "there is one parameter", "")]
    return [
        (" and ".join(each.parameters), words.share(each.share, each.share_deviation), "")
        for each in words.strongest(found.interactions)
    ] or [("-", "none that matters: each parameter can be judged alone", "")]


def _trust(found: OfMetric) -> list[Fact]:
    if isinstance(found.cross_validation, Absent):
        return [_absent(found.cross_validation)]
    return [("-", words.trust(found.cross_validation), "")]


def _trade_offs(explanation: Explanation) -> Sequence[Fact]:
    found = explanation.trade_offs
    if isinstance(found, Absent):
        return [_absent(found)]
    return [(f"trial {each.trial_number}", words.trade_off(each, explanation.study), "") for each in found] or [
        ("-", "no trial is on the front yet", "")
    ]
