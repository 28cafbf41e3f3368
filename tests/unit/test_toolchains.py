"""The rule that a missing program skips for a person and fails in CI."""

from __future__ import annotations

import pytest

from tests.toolchains import require, require_docker_compose


def test_a_program_that_is_there_is_found() -> None:
    assert require("sh").name == "sh"


def test_a_missing_program_skips_with_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASKTELL_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^no-such-program is not installed \(make toolchains\)$"):
        require("no-such-program")


def test_a_missing_program_fails_when_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKTELL_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require("no-such-program")


def test_the_compose_command_ends_in_compose() -> None:
    assert require_docker_compose()[-1].endswith("compose")
