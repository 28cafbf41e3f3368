"""What a run of the corpus gave: the table, and the failures that are expected."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

EXPECTED_FAILURES = Path(__file__).parent / "expected_failures.yaml"


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """A difference that is known and accepted, with its reason."""

    language: str
    case: str
    reason: str


def expected_failures(path: Path = EXPECTED_FAILURES) -> list[ExpectedFailure]:
    """Reads the file. Raises ValueError: an entry is not complete."""
    found = []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
        if set(entry) != {"language", "case", "reason"} or not all(entry.values()):
            raise ValueError(f"{path.name}: an entry has language, case (a pattern) and reason, got {entry}")
        found.append(ExpectedFailure(**entry))
    return found


@dataclass(slots=True)
class LanguageResults:
    """One language's cases: None = passed, otherwise what was wrong."""

    language: str
    seconds: float = 0.0
    outcomes: dict[str, str | None] = field(default_factory=dict)

    def failures(self, expected: Iterable[ExpectedFailure]) -> dict[str, str]:
        """What counts as a failure: differences nobody expects, and expected ones that did not come."""
        failures = {}
        mine = [each for each in expected if each.language == self.language]
        for case, difference in self.outcomes.items():
            reasons = [each.reason for each in mine if fnmatch.fnmatchcase(case, each.case)]
            if difference is not None and not reasons:
                failures[case] = difference
            elif difference is None and reasons:
                failures[case] = f"passes, although it is expected to fail ({reasons[0]}): take the entry out"
        return failures


def table(results: Sequence[LanguageResults], skipped: Mapping[str, str], expected: list[ExpectedFailure]) -> str:
    """A row for each case, a column for each language; then a line for each language."""
    cases = list(dict.fromkeys(case for each in results for case in each.outcomes))
    width = max(map(len, cases), default=4)
    lines = ["case".ljust(width) + "".join(f"  {each.language:>10}" for each in results)]
    for case in cases:
        cells = []
        for each in results:
            failed = case in each.failures(expected)
            differs = each.outcomes.get(case) is not None
            word = "FAIL" if failed else "expected" if differs else "ok" if case in each.outcomes else "-"
            cells.append(f"  {word:>10}")
        lines.append(case.ljust(width) + "".join(cells))
    lines.append("")
    for each in results:
        bad = len(each.failures(expected))
        known = sum(value is not None for value in each.outcomes.values()) - bad
        lines.append(
            f"{each.language}: {len(each.outcomes) - bad} of {len(each.outcomes)} cases as expected"
            + (f", {known} of them a known difference" if known > 0 else "")
            + f" ({each.seconds:.0f} s)"
        )
    lines += [f"{language}: skipped: {why}" for language, why in skipped.items()]
    return "\n".join(lines)
