"""What a person can do about a study that hands out nothing."""

from __future__ import annotations

from asktell.errors import StudyComplete, StudyPaused

_FLAGS = {
    "MAX_TRIALS": "--max-trials N",
    "TARGET": "--target X",
    "PATIENCE": "--patience N",
    "DEADLINE": "--deadline TIME",
    "LITTLE_TO_GAIN": "--min-expected-gain X",
}


def sentence(error: StudyComplete | StudyPaused) -> str:
    """The error, and the command that sets the study going."""
    name = error.metadata.get("name", "").removeprefix("projects/default/studies/") or "STUDY"
    if isinstance(error, StudyPaused):
        return f"{error} (asktell study resume {name} goes on)"
    if error.finish_reason in _FLAGS:
        return f"{error.what} (asktell study update {name} {_FLAGS[error.finish_reason]} goes on; none takes the rule away)"
    if error.finish_reason == "REQUESTED":
        return f"{error.what} (asktell study resume {name} goes on)"
    return f"{error.what} (only a study of another name can try more)"
