"""Sentences that the terminal and the page share."""

from __future__ import annotations

from collections.abc import Sequence

from asktell._core.shown import short, with_deviation
from asktell._core.study_view import StudyView
from asktell.analysis import CrossValidation, ExpectedGain, HealthFinding, Interaction, TradeOff
from asktell.cli.explaining.gathering import Absent, Explanation, Recommended
from asktell.cli.output import pairs, state_words
from asktell.cli.values import value_text
from asktell.spaces import ParameterValue

_LEAST_SHARE = 0.01
_FEW = 10
_KNOWS, _KNOWS_LITTLE = 0.7, 0.4  # pure noise comes to 0.3: the hyperparameters have seen all results


def summary(explanation: Explanation) -> str:
    """`FINISHED (MAX_TRIALS), 60 trials ended, 2 failed; minimize loss (validation)`."""
    study = explanation.study
    counts = study.counts
    parts = [state_words(study), f"{counts.ended} trial{'' if counts.ended == 1 else 's'} ended"]
    parts += [f"{getattr(counts, name)} {name}" for name in ("stopped", "failed", "running") if getattr(counts, name)]
    parts += [f"budget {study.max_trials}"] if study.max_trials is not None else []
    goals = ", ".join(f"{each.goal} {each.metric} ({each.split})" for each in study.objectives)
    return f"{', '.join(parts)}; {goals}"


def best_so_far(explanation: Explanation) -> str:
    """The best result, in a sentence."""
    study, front = explanation.study, explanation.front
    if not front:
        return "no trial has a result yet"
    metrics = [each.metric for each in study.objectives]
    first = front[0]
    if first.violation:
        return f"no trial keeps the outcome constraints yet; trial {first.number} misses them least"
    if len(metrics) > 1:
        volume = explanation.hypervolume
        more = "" if volume is None else f", hypervolume {short(volume)}"
        return f"{len(front)} trial{'' if len(front) == 1 else 's'} on the Pareto front{more}"
    return f"{metrics[0]} {short(first.metrics[metrics[0]])} in trial {first.number}"


def why_recommended(found: Recommended) -> str:
    """Why this configuration."""
    if found.by_model is None:
        return f"trial {found.trial.number}, the best value"
    return f"trial {found.trial.number}, the best when noise is taken off"


def expected(found: Recommended, metric: str) -> str:
    """What the configuration is expected to give."""
    if isinstance(found.expected, Absent):
        measured = found.trial.metrics.get(metric)
        return f"{metric} {short(measured)} as measured; no expectation: {found.expected.reason}"
    sentence = f"{metric} {with_deviation(found.expected.mean, found.expected.standard_deviation)}"
    if found.by_model is not None:
        sentence += f", and noise of {short(found.by_model.noise, 2)} in one run"
    return sentence


def strongest(found: Sequence[Interaction], count: int = 5) -> list[Interaction]:
    """The interactions that are worth a line."""
    return [each for each in found[:count] if each.share >= _LEAST_SHARE]


def trust(found: CrossValidation) -> str:
    """Whether to believe the model, in a sentence."""
    if len(found.results) < _FEW:
        verdict = "there are too few results to judge"
    elif found.rank_correlation >= _KNOWS:
        verdict = "the model foretells results well"
    elif found.rank_correlation >= _KNOWS_LITTLE:
        verdict = "the model foretells results roughly"
    else:
        verdict = "the model does not foretell results: believe little of what it says"
    return (
        f"{verdict}: rank correlation {found.rank_correlation:.2f}, error {short(found.rmse, 3)}; of {len(found.results)} results "
        f"{_percent(found.coverage_95)} lie in their middle 95 %, {_percent(found.coverage_50)} in their middle 50 %"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def share(found: float, deviation: float) -> str:
    """A share of the variation: nobody needs more than its hundredths."""
    return f"{found:.2f} ± {deviation:.2f}"


def gains(found: Sequence[ExpectedGain]) -> str:
    """What goes on to be gained."""
    parts = [
        f"{short(each.gain, 2)} by {'the next trial' if each.trials == 1 else f'the next {each.trials}'}"
        for each in found
    ]
    return "expected gain: " + ", ".join(parts)


def about(finding: HealthFinding) -> str:
    """What a finding says and advises."""
    return "; ".join(filter(None, (finding.message, finding.advice)))


def trade_off(found: TradeOff, study: StudyView) -> str:
    """The objectives' values, and what the way to the next trial of the front brings for each unit that the first one gets worse."""
    first = study.objectives[0].metric
    sentence = f"{pairs(found.values)}, adds {short(found.hypervolume_share, 3)} to the hypervolume"
    if not found.slopes:
        return sentence
    changes = ", ".join(f"{name} by {slope:+.3g}" for name, slope in found.slopes.items())
    return f"{sentence}; each unit of {first} that is given up changes {changes}"


def value(found: ParameterValue) -> str:
    """A parameter's value in all its digits: a page is what people copy from."""
    return value_text(found)
