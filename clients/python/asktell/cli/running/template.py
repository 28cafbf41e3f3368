"""Parameters into a command: placeholders in its arguments, variables in its environment."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from asktell.cli.values import value_text
from asktell.spaces import ParameterValue

_NAME = r"[A-Za-z_][A-Za-z0-9_./-]*"
_PLACEHOLDER = re.compile(rf"\{{\{{(?P<kept>{_NAME})\}}\}}|\{{(?P<name>{_NAME})\}}")

_VALUE = re.compile(rf"(?P<flag>-[^\s={{]*=)?\{{(?P<name>{_NAME})\}}")
_FLAG = re.compile(r"-[^\s={]+")


def fill(command: Sequence[str], params: Mapping[str, ParameterValue]) -> list[str]:
    """The command with `{name}` replaced by the parameter's value, `{{name}}` by `{name}`; other braces stay as they are.

    A parameter that this configuration does not have leaves nothing in its place: not its word, where that is `{name}` or
    `--flag={name}`, and not the flag right before the word `{name}`.
    """

    def replace(match: re.Match[str]) -> str:
        if match["kept"] is not None:
            return f"{{{match['kept']}}}"
        return value_text(params[match["name"]]) if match["name"] in params else ""

    words: list[str] = []
    after_flag = False
    for word in command:
        absent = _VALUE.fullmatch(word)
        if absent is None or absent["name"] in params:
            words.append(_PLACEHOLDER.sub(replace, word))
        elif after_flag and not absent["flag"]:
            words.pop()
        after_flag = _FLAG.fullmatch(word) is not None
    return words


def check_placeholders(command: Sequence[str], names: Iterable[str]) -> None:
    """Raises ValueError: the command has a placeholder that names no parameter."""
    known = list(names)
    for word in command:
        for match in _PLACEHOLDER.finditer(word):
            name = match["name"]
            if name is not None and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f", did you mean {{{near[0]}}}?" if near else f"; it has {', '.join(known)};"
                raise ValueError(
                    f"{{{name}}} in the command is no parameter of the study{hint} ({{{{{name}}}}} stands for braces that stay)"
                )


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


def environment(
    study: str,
    number: int,
    params: Mapping[str, ParameterValue],
    *,
    continue_from: int | None = None,
    checkpoint: str | None = None,
) -> dict[str, str]:
    """The variables of a trial; where it goes on from another one, the number of that and where its checkpoint lies, if anybody said."""
    return {
        "ASKTELL_STUDY": study,
        "ASKTELL_TRIAL": str(number),
        **({} if continue_from is None else {"ASKTELL_CONTINUE_FROM": str(continue_from)}),
        **({} if checkpoint is None else {"ASKTELL_CHECKPOINT": checkpoint}),
        "ASKTELL_PARAMS_JSON": json.dumps(dict(params)),
        **{variable(name): value_text(value) for name, value in params.items()},
    }
