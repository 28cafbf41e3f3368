"""`python -m tests.conformance`: the corpus through every client whose toolchain is here."""

from __future__ import annotations

import fnmatch
import os
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.conformance.corpus import load
from tests.conformance.languages import LANGUAGES, Language
from tests.conformance.results import LanguageResults, expected_failures, table
from tests.conformance.runner import run_language
from tests.conformance.world import world


@click.command()
@click.option("--language", "chosen", multiple=True, type=click.Choice(list(LANGUAGES)), help="Repeat it for several.")
@click.option("--case", "pattern", default="*", show_default=True, help="Only cases whose names match.")
@click.option("--build/--no-build", default=True, help="Build clients first. [default: build]")
@click.option("-v", "--verbose", is_flag=True, help="Show every step and answer.")
def main(chosen: tuple[str, ...], pattern: str, *, build: bool, verbose: bool) -> None:
    """Run the conformance corpus against a server of its own; exit 1 on any difference."""
    cases = [case for case in load() if fnmatch.fnmatchcase(case.name, pattern)]
    if not cases:
        raise click.BadParameter(f"no case matches {pattern!r}", param_hint="--case")
    skipped: dict[str, str] = {}
    languages = _present(chosen, skipped, build=build)
    results: list[LanguageResults] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as surroundings:
        click.echo(f"server ready after {time.monotonic() - started:.0f} s; {len(cases)} cases")
        note = click.echo if verbose else _quiet
        results.extend(run_language(surroundings, language, cases, note=note) for language in languages)
    expected = expected_failures()
    failures = 0
    click.echo("\n" + table(results, skipped, expected))
    for each in results:
        for case, difference in each.failures(expected).items():
            failures += 1
            click.echo(f"\n{each.language}: {case}\n    {difference}")
    missing = bool(skipped) and os.environ.get("ASKTELL_REQUIRE_ALL") == "1"
    sys.exit(1 if failures or missing or not results else 0)


def _present(chosen: tuple[str, ...], skipped: dict[str, str], *, build: bool) -> list[Language]:
    languages = []
    for language in LANGUAGES.values():
        if (chosen and language.name not in chosen) or not (language.exists or chosen):
            continue
        why = language.missing()
        if why is not None:
            skipped[language.name] = why
            continue
        if build:
            language.build()
        languages.append(language)
    return languages


def _quiet(_: str) -> None:
    pass


if __name__ == "__main__":
    main()
