"""The corpus through every client: one test for each language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.corpus import load
from tests.conformance.languages import LANGUAGES, Language
from tests.conformance.results import expected_failures, table
from tests.conformance.runner import run_language
from tests.conformance.world import World, world
from tests.toolchains import skip_or_fail

# One worker runs them all: they share a server, and each is meant to have the machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("conformance")]


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("conformance")) as found:
        yield found


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_client_does_what_the_others_do(language: Language, surroundings: World) -> None:
    why = language.missing() if language.exists else f"{language.name}: no scripts/languages/{language.name}.sh"
    if why is not None:
        skip_or_fail(why)
    language.build()
    steps: list[str] = []
    results = run_language(surroundings, language, load(), note=steps.append)
    expected = expected_failures()
    failures = results.failures(expected)
    assert not failures, "\n".join(
        [table([results], {}, expected), *(f"\n{case}\n    {why}" for case, why in failures.items())]
    )
