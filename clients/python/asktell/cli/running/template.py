"""Parameters into a command: placeholders in its arguments, variables in its environment."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from asktell.spaces import ParameterValue

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_./-]*)\}")


def value_text(value: ParameterValue) -> str:
    """A value as a program reads it: all digits of a float, `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def fill(command: Sequence[str], params: Mapping[str, ParameterValue]) -> list[str]:
    """The command with `{name}` replaced by the parameter's value; other braces stay as they are."""

    def replace(match: re.Match[str]) -> str:
        return value_text(params[match[1]]) if match[1] in params else match[0]

    return [_PLACEHOLDER.sub(replace, word) for word in command]


def likely_typos(command: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    """Placeholders that name no parameter but nearly do, with the name that was probably meant."""
    known = list(names)
    unknown = {name for word in command for name in _PLACEHOLDER.findall(word)} - set(known)
    near = {name: difflib.get_close_matches(name, known, n=1) for name in sorted(unknown)}
    return {name: found[0] for name, found in near.items() if found}


def variable(name: str) -> str:
    """The environment variable of a parameter: `weight-decay` → `ASKTELL_PARAM_WEIGHT_DECAY`."""
    return "ASKTELL_PARAM_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def check_variables(names: Iterable[str]) -> None:
    """Raises ValueError: two parameters would share a variable."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(variable(name), name)
        if other != name:
            raise ValueError(f"parameters {other!r} and {name!r} would share the variable {variable(name)}")


def environment(study: str, number: int, params: Mapping[str, ParameterValue]) -> dict[str, str]:
    """The variables of a trial."""
    return {
        "ASKTELL_STUDY": study,
        "ASKTELL_TRIAL": str(number),
        "ASKTELL_PARAMS_JSON": json.dumps(dict(params)),
        **{variable(name): value_text(value) for name, value in params.items()},
    }
