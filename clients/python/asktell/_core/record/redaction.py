"""Command lines without what looks like a secret. It is a guess: a password behind a flag like `-p` looks like any other word."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence

HIDDEN = "***"
_LONGEST = 4096

_SECRET_PARTS = {
    *("token", "secret", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "auth", "apikey"),
    *("authorization", "bearer", "jwt", "pat"),
}
_KEY_OWNERS = {"api", "access", "secret", "private", "auth", "account", "encryption", "signing", "ssh", "master"}
"""What a `key` that is a secret belongs to; `--sort-key` is none."""

_FLAG = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*)(?:(?P<equals>=)(?P<value>.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(
    r"(?P<name>[A-Za-z_][\w.]*)=(?P<value>.*)", re.DOTALL
)  # HF_TOKEN=… before a command, hydra's a.b=…
_INSIDE = (
    (re.compile(r"(?P<kept>\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE), rf"\g<kept>{HIDDEN}@"),
    (re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[^\s'\"]+", re.IGNORECASE), rf"\g<kept>{HIDDEN}"),
    (
        re.compile(r"(?P<kept>[?&;](?:[\w-]*(?:token|secret|password|signature|sig|key))=)[^&\s'\"]+", re.IGNORECASE),
        rf"\g<kept>{HIDDEN}",
    ),
    # Within a longer word, such as the program of `sh -c`.
    (
        re.compile(
            r"(?P<kept>\b\w*(?:token|secret|password|passwd|api[_-]?key|access[_-]?key)=)(?:'[^']*'|\"[^\"]*\"|[^\s'\"&;]+)",
            re.IGNORECASE,
        ),
        rf"\g<kept>{HIDDEN}",
    ),
    # Tokens that say themselves what they are: GitHub, GitLab, Hugging Face, OpenAI and its like, Slack, AWS, Google, JWT.
    (
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
            r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
        ),
        HIDDEN,
    ),
)

_FLAG_INSIDE = re.compile(r"(?<![\w-])(?P<name>--?[A-Za-z][\w.-]*)(?:=|\s+(?!-))")
_BARE = r"(?:\\.|[^\s'\"\\&;|])"
_VALUE_INSIDE = re.compile(rf"(?:'[^']*'?|\"[^\"]*\"?){_BARE}*|{_BARE}+")


def command_line(words: Sequence[str]) -> str:
    """The words as a shell would take them, secrets replaced by `***`, cut at 4,096 characters."""
    text = sendable(shlex.join(redacted(words)))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def sendable(text: str) -> str:
    """The text with `?` for what is no UTF-8, such as bytes of a file name or half of a surrogate pair: it could not be sent."""
    return text.encode("utf-8", "replace").decode()


def redacted(words: Sequence[str]) -> list[str]:
    """The words with the values hidden of flags and variables named like a secret, and what looks like one inside others."""
    shown: list[str] = []
    hide_next = False
    for word in words:
        if hide_next and not word.startswith("-"):
            shown.append(HIDDEN)
            hide_next = False
            continue
        hide_next = False
        flag = _FLAG.fullmatch(word)
        named = flag if flag is not None and flag["equals"] else _ASSIGNMENT.fullmatch(word)
        if named is not None and _is_secret(named["name"]):
            shown.append(f"{named['name']}={HIDDEN}" if named["value"] else word)
            continue
        hide_next = flag is not None and not flag["equals"] and _is_secret(flag["name"])
        shown.append(_inside(word))
    return shown


def _is_secret(name: str) -> bool:
    """`--api-key`, `HF_TOKEN`, `dbPassword`; not `--max-tokens`, `--tokenizer`, `--sort-key`."""
    parts = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    if any(part in _SECRET_PARTS for part in parts):
        return True
    return any(part == "key" and before in _KEY_OWNERS for before, part in itertools.pairwise(parts))


def _inside(word: str) -> str:
    for pattern, replacement in _INSIDE:
        word = pattern.sub(replacement, word)
    return _flags_inside(word)


def _flags_inside(word: str) -> str:
    """Within a longer word, such as the program of `sh -c`: the values hidden of flags named like a secret."""
    parts, end = [], 0
    for flag in _FLAG_INSIDE.finditer(word):
        value = _VALUE_INSIDE.match(word, flag.end())
        if flag.start() >= end and value is not None and _is_secret(flag["name"]):
            parts += [word[end : flag.end()], HIDDEN]
            end = value.end()
    return "".join([*parts, word[end:]])
