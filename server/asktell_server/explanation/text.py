"""An explanation as text, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asktell_server.domain.fixing import listed_values
from asktell_server.domain.goals import Goals
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.space import BoolDomain, CategoricalDomain, Configuration
from asktell_server.domain.trial import Origin
from asktell_server.service.explaining import Explanation, Knowledge, Repetition
from asktell_server.service.past import Best

_ORIGINS = {
    Origin.START: "the space-filling start, before there is a model",
    Origin.MODEL: "the model: Gaussian process, log expected improvement",
    Origin.FALLBACK: "space-filling, because the model was not used",
    Origin.PERSON: "a person enqueued it",
    Origin.IMPORT: "an import brought it with its result",
    Origin.PROMOTION: "among the best at its fidelity: it goes on to the next one",
    Origin.SAMPLER: "the study's algorithm, which uses no model",
}
_SUGGESTED = frozenset({Origin.START, Origin.MODEL, Origin.FALLBACK, Origin.SAMPLER, Origin.PROMOTION})
_TITLE_WIDTH = 16
_TEXT_WIDTH = 84


def as_text(explanation: Explanation) -> str:
    """The explanation in lines of at most about 100 characters."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    trial = explanation.trial
    yield f"{explanation.name}  {trial.state.value}"
    yield from _wrapped(_configuration(trial.parameters))
    yield ""
    yield _line("origin", _ORIGINS[trial.origin])
    provenance = trial.provenance
    if provenance is None:
        if trial.origin in _SUGGESTED:
            yield _line("", "What the engine knew is not recorded: the trial was stored by an earlier version.")
    else:
        yield from _provenance_lines(provenance, explanation.knowledge)
        yield from _parent_lines(explanation, provenance)
    yield from _belief_lines(explanation, provenance.fits if provenance else ())
    yield from _result_lines(explanation)
    if provenance is not None and explanation.repetition is not None:
        yield from _repetition_lines(explanation, provenance, explanation.repetition)


def _provenance_lines(provenance: Provenance, knowledge: Knowledge | None) -> Iterator[str]:
    if provenance.fallback_reason:
        yield _line("reason", provenance.fallback_reason)
    if provenance.prepared:
        yield _line("asked for", "later: it was prepared before")
    if provenance.count > 1:
        yield _line("asked for", f"number {provenance.index + 1} of {provenance.count} suggestions at once")
    if provenance.fixed:
        yield _line("asked for", f"with {listed_values(provenance.fixed)}")
    if knowledge is None:
        return
    failed = f", {_counted(knowledge.failures, 'failure')}" if knowledge.failures else ""
    prepared = f", {len(provenance.prepared_pending)} of them prepared" if provenance.prepared_pending else ""
    yield _line("knew", f"{_counted(knowledge.values, 'result')}{failed}, {knowledge.pending} in flight{prepared}")
    missed = f"; {_counted(knowledge.missed, 'result')} came between" if knowledge.missed else ""
    yield _line("log", f"suggested at position {knowledge.sequence}, a trial at {knowledge.created}{missed}")


def _parent_lines(explanation: Explanation, provenance: Provenance) -> Iterator[str]:
    if parents := explanation.study.parents:
        known = ", ".join(f"{parent.name} ({_counted(len(parent.results), 'result')})" for parent in parents)
        yield _line("parents", known if provenance.informed else f"{known}; they had no say")


def _belief_lines(explanation: Explanation, fits: Sequence[Fit]) -> Iterator[str]:
    knowledge, prediction = explanation.knowledge, explanation.trial.prediction
    goals = explanation.study.goals
    if knowledge is not None and knowledge.best.trials:
        yield _line("best by then", _best(knowledge.best, goals))
    if prediction is not None:
        yield ""
        for name in explanation.study.goals.metrics:
            if belief := prediction.belief(name):
                spread = f"{belief.standard_deviation:.3g}"
                yield _line("believed", f"{name} {belief.mean:.6g}, standard deviation {spread}")
        believed = any(parameter.prior is not None for parameter in explanation.study.space.parameters)
        if len(goals.metrics) == 1 and not goals.outcome_constraints and not believed:
            yield _line("log EI", f"{prediction.acquisition_value:.4g} (of the standardised objective)")
        else:
            priors = "; what priors count for is added" if believed else ""
            yield _line(
                "acquisition", f"{prediction.acquisition_value:.4g} (of standardised metrics, logarithmic{priors})"
            )
        exponent = explanation.trial.provenance.cost_exponent if explanation.trial.provenance else 0.0
        if exponent:
            yield _line(
                "per cost", f"less {exponent:.3g} times the log of the expected {goals.cost_metric}, where it is known"
            )
    for name, fit in zip(goals.metrics, fits, strict=False):
        if len(goals.metrics) > 1:
            yield _line("model of", name)
        if knowledge is not None and name in knowledge.noise:
            yield _line("noise", f"standard deviation {knowledge.noise[name]:.3g} of one result")
        for title, scales in _scales(explanation, fit):
            yield from _wrapped([f"{parameter} {scale:.3g}" for parameter, scale in scales], title=title)
        if fit.weights:
            numbers, categories, both = fit.weights
            yield _line("kernel weights", f"numbers {numbers:.3g}, categories {categories:.3g}, both {both:.3g}")


def _best(best: Best, goals: Goals) -> str:
    if best.feasible and len(goals.objectives) > 1:
        return f"a Pareto front of {_counted(len(best.trials), 'trial')}"
    first = best.trials[0]
    values = ", ".join(f"{first.metrics[name].value:.6g}" for name in goals.metrics)
    return f"{values} (trial {first.number}{'' if best.feasible else ', which violates the constraints least'})"


def _result_lines(explanation: Explanation) -> Iterator[str]:
    trial = explanation.trial
    yield ""
    measured = [(name, trial.metrics[name]) for name in explanation.study.goals.metrics if name in trial.metrics]
    if not measured:
        yield _line("came out", f"no value: {trial.reason}" if trial.reason else "no value")
    for name, metric in measured:
        error = "" if metric.standard_error is None else f" ± {metric.standard_error:.3g}"
        distance = ""
        if (deviations := explanation.deviations.get(name)) is not None:
            side = "above" if deviations >= 0 else "below"
            distance = f", {abs(deviations):.2g} standard deviations {side} the mean"
        yield _line("came out", f"{name} {metric.value:.6g}{error}{distance}")


def _repetition_lines(explanation: Explanation, provenance: Provenance, repetition: Repetition) -> Iterator[str]:
    trial = explanation.trial
    differences = list(repetition.differences(trial))
    yield ""
    if not repetition.repeats(trial):
        yield _line("reproduced", "no")
    elif differences:
        yield _line("reproduced", "yes, except for what the model predicts")
    else:
        yield _line("reproduced", "yes, to the last bit")
    for name, before, now in differences:
        yield _line("", f"{name}: {_value(before)} then, {_value(now)} now")
    if not differences:
        return
    if explanation.knowledge is not None and explanation.knowledge.exact is False:
        yield _line("", "The history could not be put together exactly: several servers wrote at the time.")
    if repetition.fallback_reason:
        yield _line("", f"The model was not used now: {repetition.fallback_reason}")
    yield _line("", f"Suggested by asktell-server {provenance.engine}; other versions and processors round otherwise.")


def _scales(explanation: Explanation, fit: Fit) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Length scales of numbers and of categories, which do not compare, the most important first."""
    parameters = explanation.study.space.parameters
    for title, of_categories in (("length scales", False), ("of categories", True)):
        scales = [
            (parameter.name, scale)
            for parameter, scale in zip(parameters, fit.length_scales, strict=True)
            if isinstance(parameter.domain, BoolDomain | CategoricalDomain) is of_categories
        ]
        if scales:
            yield title, sorted(scales, key=lambda pair: pair[1])


def _configuration(configuration: Configuration) -> list[str]:
    return [f"{name} {_value(value)}" for name, value in configuration.items()]


def _value(value: object) -> str:
    return f"{value!r}" if isinstance(value, float) else str(value)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _line(title: str, text: str) -> str:
    return f"  {title:<{_TITLE_WIDTH}}{text}"


def _wrapped(items: Sequence[str], *, title: str | None = None) -> Iterator[str]:
    """The items with commas, broken between them; under a title where there is one."""
    lines = [""]
    for index, item in enumerate(items):
        if lines[-1] and len(lines[-1]) + len(item) >= _TEXT_WIDTH:
            lines.append("")
        lines[-1] += item if index == len(items) - 1 else f"{item}, "
    for index, line in enumerate(lines):
        yield f"  {line}" if title is None else _line("" if index else title, line)
