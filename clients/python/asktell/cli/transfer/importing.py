"""Past trials into a study: judged by the server as a whole before any is stored, then stored in batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.cli.transfer import exporting
from asktell.cli.transfer.mapping import Mapped
from asktell.cli.transfer.reading import Past, Problem
from asktell.errors import InvalidArgument
from asktell.records import ImportedTrial, MetricValue

MOST_PROBLEMS = 20
"""After so many, a person knows enough."""

_BATCH = 500
_BATCH_CHARACTERS = 4_000_000
_PLACE = re.compile(r"trials\[(\d+)\]\.?([a-z_]*)(?:\[(.*)\])?$")
_TARGETS = {"parameters": "param", "metrics": "metric", "labels": "label", "annotations": "annotation"}


def judge(
    study: Study, past: Past, mapped: Mapped, *, most: int | None = MOST_PROBLEMS, progress: Callable[[int], None]
) -> list[Problem]:
    """What the server finds wrong with the trials, at most so many; those trials are taken out of `past`.

    `progress` is told after each batch how many trials have been judged.
    """
    problems: list[Problem] = []
    good: list[int] = []
    for batch in _batches(past.trials):
        left = list(batch)
        while left and (most is None or len(problems) < most):
            try:
                study.import_trials([past.trials[index] for index in left], validate_only=True)
            except InvalidArgument as error:
                place = _PLACE.match(error.field)
                if place is None or int(place[1]) >= len(left):
                    raise
                index = left.pop(int(place[1]))
                problems.append(_problem(past.lines[index], error, place[2], place[3] or "", mapped))
            else:
                break
        good += left
        progress(len(batch))
    past.trials, past.lines = [past.trials[index] for index in good], [past.lines[index] for index in good]
    return problems


def _problem(line: int, error: InvalidArgument, part: str, name: str, mapped: Mapped) -> Problem:
    message = error.message.partition(": ")[2]  # behind the place, which is that of a Python argument
    name = error.metadata.get("parameter") or error.metadata.get("metric") or name.strip("\"'")
    target = f"{_TARGETS[part]}.{name}" if part in _TARGETS and name else {"import_key": "key"}.get(part, part)
    return Problem(line, mapped.column(target) if target else "", message)


def known_trials(study: Study) -> dict[str, Trial]:
    """The trials that the study has already, by the keys of its exports: an import of one changes nothing."""
    return {exporting.key(trial): trial for trial in study.trials()}


def differs(study: Study, there: Trial, trial: ImportedTrial) -> bool:
    """The study has another configuration or result under this key; what is derived needs no look."""
    mine, theirs = (
        {name: params[name] for name in study.domains if name in params} for params in (trial.params, there.params)
    )
    metrics = {name: value.value if isinstance(value, MetricValue) else value for name, value in trial.metrics.items()}
    return mine != theirs or there.metrics != metrics or there.state.value != trial.outcome.value


def store(study: Study, trials: Sequence[ImportedTrial], *, progress: Callable[[int], None]) -> None:
    """Imports the trials, batch after batch; a key makes each harmless to repeat."""
    for batch in _batches(trials):
        study.import_trials([trials[index] for index in batch])
        progress(len(batch))


def _batches(trials: Sequence[ImportedTrial]) -> Iterator[list[int]]:
    """Indexes in pieces that fit a request."""
    batch: list[int] = []
    size = 0
    for index, trial in enumerate(trials):
        length = len(trial.reason) + len(trial.note) + sum(len(text) for text in trial.annotations.values())
        if batch and (len(batch) == _BATCH or size + length > _BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += length
    if batch:
        yield batch
