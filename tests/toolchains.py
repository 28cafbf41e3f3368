"""Programs outside the virtual environment that some tests run: `make toolchains` installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps daemons where an ordinary user's PATH does not look.
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def require(tool: str) -> Path:
    """Path of the program `tool`; without it the test skips, or fails when ASKTELL_REQUIRE_ALL=1."""
    path = shutil.which(tool, path=_SEARCH_PATH)
    if path is None:
        skip_or_fail(_not_installed(tool))
    return Path(path)


def require_docker_compose() -> list[str]:
    """Command of Docker Compose, plugin or standalone; needs no engine. Skips or fails as `require` does."""
    docker = shutil.which("docker", path=_SEARCH_PATH)
    if docker is not None:
        plugin = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return [docker, "compose"]
    standalone = shutil.which("docker-compose", path=_SEARCH_PATH)
    if standalone is None:
        skip_or_fail(_not_installed("docker compose"))
    return [standalone]


def skip_or_fail(why: str) -> NoReturn:
    """Ends a test that cannot run on this machine: it skips, or fails when ASKTELL_REQUIRE_ALL=1."""
    if os.environ.get("ASKTELL_REQUIRE_ALL") == "1":
        pytest.fail(why, pytrace=False)
    pytest.skip(why, allow_module_level=True)


def _not_installed(tool: str) -> str:
    return f"{tool} is not installed (make toolchains)"
