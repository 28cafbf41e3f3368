"""Every client's README holds: followed to the letter from an empty project, its study ends complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.languages import LANGUAGES
from tests.readmes.following import follow_to_the_end
from tests.readmes.places import RELEASED, beside_this_clone
from tests.support.server import ServerProcess
from tests.toolchains import skip_or_fail

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("readmes")) as server:
        yield server


@pytest.mark.parametrize("language", RELEASED)
def test_a_newcomer_gets_from_the_readme_to_a_complete_study(
    language: str, server: ServerProcess, tmp_path: Path
) -> None:
    why = LANGUAGES[language].missing()
    if why is not None:
        skip_or_fail(why)
    LANGUAGES[language].build()
    follow_to_the_end(language, tmp_path, beside_this_clone(language, tmp_path), address=server.address)
