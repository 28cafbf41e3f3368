"""An explanation as the sections of a page, with the charts that a terminal cannot show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from asktell._core.plots import load_plotting
from asktell._sync.trial import Trial
from asktell.analysis import HealthSeverity
from asktell.cli.explaining import words
from asktell.cli.explaining.gathering import NO_ANALYSIS, Absent, Explanation, Landscape
from asktell.cli.output import metrics_of
from asktell.cli.plot_command import measured_trials
from asktell.cli.tables.columns import trial_columns
from asktell.records import TrialState

_MOST_ROWS = 500
_MOST_CURVES = 200


def sections(explanation: Explanation, landscape: Landscape) -> list[Any]:
    """The sections, in the order in which a reader asks. Raises ModuleNotFoundError: Altair is not installed."""
    return [
        *_summary(explanation),
        _best_so_far(explanation),
        _table(explanation),
        _parallel(explanation),
        *(
            [*_model(explanation), _contours(explanation, landscape), _slices(explanation, landscape)]
            if explanation.has_model
            else [_section("model", "What a model says", _needs(NO_ANALYSIS))]
        ),
        _curves(explanation),
        *_front(explanation),
        *([] if explanation.health is NO_ANALYSIS else [_health(explanation)]),
    ]


def _section(key: str, title: str, body: str = "", figures: Iterable[Any] = ()) -> Any:
    return load_plotting("page").Section(key=key, title=title, body=body, figures=list(figures))


def _figure(chart: Any, caption: str) -> Any:
    return load_plotting("page").Figure(chart=chart, caption=caption)


def _quiet(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>'


def _needs(part: Absent) -> str:
    return _quiet(part.reason[:1].upper() + part.reason[1:] + ".")


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f'<div class="scroll"><table>{body}</table></div>'


def _summary(explanation: Explanation) -> list[Any]:
    found = explanation.recommended
    study = explanation.study
    if isinstance(found, Absent):
        body = _needs(found)
    else:
        params = _rows((name, words.value(value)) for name, value in found.trial.params.items())
        expected = f'<p class="big">Expected: {escape(words.expected(found, study.objectives[0].metric))}</p>'
        body = f"{expected}{params}{_quiet(f'It is {words.why_recommended(found)}.')}"
    best = f'<p class="big">Best so far: {escape(words.best_so_far(explanation))}</p>'
    return [
        _section("summary", "Summary", f"<p>{escape(words.summary(explanation))}</p>{best}"),
        _section("use", "The configuration to use", body),
    ]


def _best_so_far(explanation: Explanation) -> Any:
    if not any(trial.metrics for trial in explanation.trials):
        return _section("history", "Best so far", _quiet("No trial has a result yet."))
    chart = load_plotting("charts").history(explanation.study, explanation.trials)
    caption = (
        "Each trial's value by its number, and the best value so far as a line; failed trials stand above the plot."
    )
    return _section("history", "Best so far", figures=[_figure(chart, caption)])


def _table(explanation: Explanation) -> Any:
    study, best = explanation.study, explanation.best
    shown, note = _chosen(explanation)
    columns = [each for each in trial_columns(study, best, trials=shown) if each.standard]
    head = "".join(f'<th scope="col"{_numbers(each.right)}>{escape(each.header or "best")}</th>' for each in columns)
    body = "".join(
        ('<tr class="best">' if trial.number in best.observed else "<tr>")
        + "".join(f"<td{_numbers(each.right)}>{escape(each.cell(trial))}</td>" for each in columns)
        + "</tr>"
        for trial in shown
    )
    table = f'<div class="scroll tall" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    return _section("trials", "Trials", note + (table if shown else _quiet("There is no trial yet.")))


def _numbers(right: bool) -> str:
    return ' class="number"' if right else ""


def _chosen(explanation: Explanation) -> tuple[Sequence[Trial], str]:
    """The trials of the table: all, or the best ones and the newest."""
    trials = explanation.trials
    if len(trials) <= _MOST_ROWS:
        return trials, ""
    newest = [trial for trial in trials[-_MOST_ROWS:] if trial.number not in explanation.best.observed]
    marked = [trial for trial in trials if trial.number in explanation.best.observed]
    return [*marked, *newest], _quiet(f"The best and the newest of {len(trials)} trials; asktell trials has all.")


def _parallel(explanation: Explanation) -> Any:
    if not any(trial.metrics for trial in explanation.trials):
        return _section("parallel", "Parallel coordinates", _quiet("No trial has a result yet."))
    chart = load_plotting("parallel").parallel(explanation.study, explanation.trials)
    caption = (
        "A line for each trial across its parameters and metrics, in the colour of its value; the best one is thicker."
    )
    return _section("parallel", "Parallel coordinates", figures=[_figure(chart, caption)])


def _model(explanation: Explanation) -> list[Any]:
    importances, interactions, trust = "", "", ""
    bars: list[Any] = []
    paired: list[Any] = []
    several = len(explanation.metrics) > 1
    for metric, found in explanation.metrics.items():
        head = f"<h3>{escape(metric)}</h3>" if several else ""
        if isinstance(found.importances, Absent):
            importances += head + _needs(found.importances)
        else:
            caption = (
                f"How much of the variation of {metric} each parameter explains alone, and with all others; the lines are one "
                "standard deviation over the functions that the model holds possible."
            )
            bars.append(_figure(load_plotting("shares").importances(explanation.study, found.importances), caption))
        if isinstance(found.interactions, Absent):
            interactions += head + _needs(found.interactions)
        elif found.interactions:
            strong = words.strongest(found.interactions)
            says = (
                "Tune together: "
                + ", ".join(
                    f"{' and '.join(each.parameters)} ({words.share(each.share, each.share_deviation)})"
                    for each in strong
                )
                if strong
                else "No pair matters: each parameter can be judged alone"
            )
            interactions += f"{head}<p>{escape(says)}.</p>"
            caption = (
                f"How much of the variation of {metric} two parameters explain together, beyond what each does alone."
            )
            paired.append(_figure(load_plotting("shares").interactions(explanation.study, found.interactions), caption))
        else:
            interactions += head + _quiet("There is one parameter.")
        trust += head + (
            _needs(found.cross_validation)
            if isinstance(found.cross_validation, Absent)
            else f"<p>{escape(_capital(words.trust(found.cross_validation)))}.</p>"
        )
    return [
        _section("importances", "Importances", importances, bars),
        _section("interactions", "Interactions", interactions, paired),
        _section("trust", "Can the model be believed?", trust),
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _contours(explanation: Explanation, landscape: Landscape) -> Any:
    if isinstance(landscape.contours, Absent):
        return _section("contours", "Contours", _needs(landscape.contours))
    draw = load_plotting("belief").contour
    figures = [
        _figure(
            draw(explanation.study, explanation.trials, each, width=270),
            f"What the model expects of {each.metric} over {' and '.join(each.parameters)}, and how uncertain it is; dots are "
            "trials, the best one is ringed.",
        )
        for each in landscape.contours
    ]
    return _section("contours", "Contours", figures=figures)


def _slices(explanation: Explanation, landscape: Landscape) -> Any:
    if isinstance(landscape.slices, Absent):
        return _section("slices", "Slices", _needs(landscape.slices))
    chart = load_plotting("belief").slices(explanation.study, landscape.slices)
    caption = "What the model expects along each parameter, the others as in the configuration to use; the shade has 95 % of its uncertainty."
    return _section("slices", "Slices", figures=[_figure(chart, caption)])


def _curves(explanation: Explanation) -> Any:
    reported = [trial for trial in explanation.trials if trial.measurement_count or not trial.state.has_ended]
    newest = reported[-_MOST_CURVES:]
    read = [(trial, found) for trial, found in measured_trials(newest) if found]
    if not read:
        return _section("curves", "Learning curves", _quiet("No trial has reported anything."))
    stopped = sum(trial.state is TrialState.STOPPED for trial, _ in read)
    note = _quiet(f"Trials that were stopped early: {stopped}.")
    if len(reported) > _MOST_CURVES:
        note += _quiet(f"The newest {_MOST_CURVES} of {len(reported)} trials with reports.")
    metrics = [
        each.name
        for each in metrics_of(explanation.study)
        if any(each.name in one.metrics for _, found in read for one in found)
    ]
    chart = load_plotting("charts").curves(explanation.study, read, metrics=metrics or None)
    caption = (
        "What each trial reported by step, in the colour of its state: stopped ones end early; the best one is thicker."
    )
    return _section("curves", "Learning curves", note, [_figure(chart, caption)])


def _front(explanation: Explanation) -> list[Any]:
    study = explanation.study
    if len(study.objectives) < 2:
        return []
    numbers = {trial.number for trial in explanation.front if not trial.violation}
    if not numbers:
        return [_section("front", "Pareto front", _quiet("No trial is on it yet."))]
    chart = load_plotting("front").front(study, explanation.trials, numbers)
    caption = "The trials by their objectives; those that no other one betters in all objectives are green."
    found = explanation.trade_offs
    body = (
        _needs(found)
        if isinstance(found, Absent)
        else _rows((f"trial {each.trial_number}", words.trade_off(each, study)) for each in found)
    )
    return [_section("front", "Pareto front", body, [_figure(chart, caption)])]


def _health(explanation: Explanation) -> Any:
    found = explanation.health
    if isinstance(found, Absent):
        return _section("health", "Health", _needs(found))
    marks = {HealthSeverity.ERROR: "error", HealthSeverity.WARNING: "warning"}
    rows = "".join(
        f'<tr><td class="{marks.get(each.severity, "quiet")}">{escape(each.severity.value.lower())}</td>'
        f'<td class="wrap">{escape(each.message)}; <strong>{escape(each.advice)}</strong></td></tr>'
        for each in found.findings
    )
    body = f"<table>{rows}</table>" if rows else "<p>Nothing to complain of.</p>"
    if found.expected_gains:
        body += f"<p>{escape(_capital(words.gains(found.expected_gains)))}.</p>"
    return _section("health", "Health", body)
