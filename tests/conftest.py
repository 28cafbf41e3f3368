"""What holds for every test: reproducible examples, and no setting of the user's shell."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# No deadline: a shared machine decides how long an example takes. CI tries the same examples at every run, so that a
# change is never refused for what an earlier one broke; a person's runs look for new ones. `.ci/run` is known by
# ASKTELL_REQUIRE_ALL: not every machine that runs it sets CI.
hypothesis.settings.register_profile("local", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("local"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") or os.environ.get("ASKTELL_REQUIRE_ALL") else "local")

# A shell that starts the tests in the background leaves Ctrl-C ignored, and so would all they start: programs under
# test are to see it as a person's do.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_client_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address and token that a person exported for their own server are not the tests'."""
    for name in ("ASKTELL_ADDRESS", "ASKTELL_TOKEN", "ASKTELL_TLS_CA", "ASKTELL_TLS_CERT", "ASKTELL_TLS_KEY"):
        monkeypatch.delenv(name, raising=False)
