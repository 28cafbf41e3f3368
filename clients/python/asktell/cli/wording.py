"""Errors and warnings in the words of whoever types commands and study files: flags and keys, no fields of messages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asktell._core.channel import WAIT_HINT
from asktell._core.study_view import STUDY_FIELDS
from asktell.cli import going_on
from asktell.cli.steering_commands import FLAGS
from asktell.errors import AsktellError, StudyComplete, StudyPaused, Unavailable

_KEYS = (
    (r"search_space\.parameters", "parameters"),
    (r"search_space\.parameter_constraints", "parameter_constraints"),
    (r"search_space\.derived_parameters", "parameters"),
    (r"search_space", "parameters"),
    (r"tracked_metrics", "metrics"),
    (r"early_stopping\.any\.rules", "early_stopping"),
    (r"stopping_rules", "stopping"),
    (r"stopping\.target_value", "stopping.target"),
    (r"stopping\.patience_trials", "stopping.patience"),
    (r"lease_policy", "lease"),
    (r"lease\.lease_duration", "lease.duration_s"),
    (r"max_running_trials", "max_running"),
    (r"(parameters.*?)\.(?:float|int|discrete|categorical|bool)_domain", r"\1"),
    (r"(parameters.*?)\.default_value", r"\1.default"),
)
_PLACES = (
    (r"trials\[\d+\]\.[a-z_]+\[(.+)\]", r"\1"),
    (r"trials\[\d+\]\.parameters", "parameters"),
    (r"configurations\[\d+\]\.parameters\[(.+)\]", r"\1"),
    (r"configurations\[\d+\](?:\.parameters)?", "NAME=VALUE"),
    (r"metric", "--metric"),
    (r"study\.labels\[(.+)\]", r"--label \1"),
    (r"study\.annotations\[(.+)\]", r"--annotation \1"),
    (r"cursor", "--cursor"),
    (r"fixed_parameters\[(.+)\]", r"--fixed \1"),
    (r"fixed_parameters", "--fixed"),
    (r"count", "--count"),
    (r"parent", "--project"),
    (r"(?:name|study)", "STUDY"),
)


def key(field: str, parameters: Sequence[str] = ()) -> str:
    """The key of a study file for a field of a study: `stopping_rules.target_value` is `stopping.target`.

    `parameters`: the names of the study's, in their order.
    """
    field = re.sub(
        r"^search_space\.parameters\[(\d+)\]",
        lambda found: f"parameters.{parameters[int(found[1])]}" if int(found[1]) < len(parameters) else found[0],
        field,
    )
    for pattern, word in _KEYS:
        field = re.sub(f"^{pattern}", word, field)
    return field


def sentence(error: AsktellError) -> str:
    """What a person is told of an error."""
    if isinstance(error, Unavailable) and not error.reason:  # no server said it
        before, hint, _ = str(error).partition(WAIT_HINT)
        wait = "--wait 60 waits so many seconds for it; " if hint else ""
        return f"{before.rstrip()} ({wait}another server: --address or ASKTELL_ADDRESS)"
    if isinstance(error, StudyComplete | StudyPaused):
        return going_on.sentence(error)
    field = error.metadata.get("field", "")
    place, colon, what = error.message.partition(": ")  # the place as a Python argument
    if not field or not colon or " " in place or "line" in error.metadata:
        return str(error)
    return f"{_place(field)}: {what}"


def mistake(error: OSError | ValueError | TypeError) -> str:
    """What a person is told of a mistake that this machine noticed."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _place(field: str) -> str:
    flags = {f"study.{STUDY_FIELDS[name].path}": flag.name for name, flag in FLAGS.items()}
    if field in flags:
        return flags[field]
    for pattern, word in _PLACES:
        found = re.fullmatch(pattern, field)
        if found is not None:
            return found.expand(word)
    return key(field.removeprefix("study."))
