"""Runs the corpus through a language's executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from tests.conformance.corpus import CaseSource
from tests.conformance.executor import Executor, ExecutorError
from tests.conformance.languages import Language
from tests.conformance.results import LanguageResults
from tests.conformance.running import CaseFailed, CaseRun
from tests.conformance.world import TOKEN, Door, World


def run_language(
    world: World, language: Language, cases: Iterable[CaseSource], *, note: Callable[[str], None]
) -> LanguageResults:
    """Every case through one client. `note` is told what is being done."""
    results = LanguageResults(language.name)
    started = time.monotonic()
    door = world.doors[language.door]
    usual = {"ASKTELL_ADDRESS": door.server, "ASKTELL_TOKEN": TOKEN}
    executor: Executor | None = None
    try:
        for source in cases:
            environment = _environment(source, usual, world, door)
            if executor is not None and (environment is not usual or not executor.alive):
                executor.close()
                executor = None
            if executor is None:
                executor = Executor(language.command, environment)
            results.outcomes[source.name] = _run_case(world, executor, language, source, note)
            if environment is not usual:
                executor.close()
                executor = None
    finally:
        if executor is not None:
            executor.close()
    results.seconds = time.monotonic() - started
    return results


def _run_case(
    world: World, executor: Executor, language: Language, source: CaseSource, note: Callable[[str], None]
) -> str | None:
    note(f"{language.name}: {source.name}")
    started = time.monotonic()
    try:
        CaseRun(
            world=world, door=world.doors[language.door], executor=executor, note=lambda text: note(f"    {text}")
        ).run(source, f"{language.name}-{source.name}")
    except (CaseFailed, ExecutorError) as failure:
        note(f"    FAILED: {failure}")
        return str(failure)
    note(f"    ok, {time.monotonic() - started:.1f} s")
    return None


def _environment(source: CaseSource, usual: Mapping[str, str], world: World, door: Door) -> Mapping[str, str]:
    own = source.raw.get("environment")
    if own is None:
        return usual
    merged = {**usual, **{name: _filled(value, world, door) for name, value in own.items()}}
    return {name: value for name, value in merged.items() if value}


def _filled(value: str, world: World, door: Door) -> str:
    names = [part.removeprefix("@") for part in value.split(",")] if value.startswith("@") else []
    if names == ["ca"]:
        return str(world.certificates.ca)
    return ",".join(door.address(name) for name in names) if names else value
