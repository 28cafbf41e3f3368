"""Every client's README holds: followed to the letter from an empty project, its study ends complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import asktell
from tests.conformance.languages import LANGUAGES
from tests.readmes.following import follow
from tests.readmes.places import RELEASED, beside_this_clone
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRIALS = 3


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
        (pytest.fail if os.environ.get("ASKTELL_REQUIRE_ALL") == "1" else pytest.skip)(why)
    LANGUAGES[language].build()
    place = beside_this_clone(language, tmp_path)
    shown = follow(
        language, tmp_path / "tuning", place, address=server.address, study=f"lora-{language}", trials=TRIALS
    )
    with asktell.Client(server.address) as client:
        study = client.study(f"lora-{language}")
        assert study.state == "FINISHED"
        assert study.counts.succeeded == TRIALS
        assert study.best_trial.name in shown, "the program shows the best trial"
