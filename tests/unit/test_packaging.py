"""The two distributions: what they hold, what they pull in, and that set-up is pinned."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.without_cuda import LABEL
from tests.support.environments import build_wheel

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients/python"
SERVER_ONLY = ("asktell_server", "botorch", "gpytorch", "numpy", "redis", "scipy", "torch")


def project(directory: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    return table


def requirements(directory: Path) -> dict[str, Requirement]:
    return {canonicalize_name(r.name): r for r in map(Requirement, project(directory)["dependencies"])}


def floor(requirement: Requirement) -> Version:
    return next(Version(s.version) for s in requirement.specifier if s.operator == ">=")


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][^ ;@/]*", line) for line in lines), "exact versions and nothing else"
    return dict(line.split("==") for line in lines)


def source_names(package: Path) -> set[str]:
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package.parent).as_posix() for path in files}


def test_both_distributions_carry_one_version() -> None:
    version = project(CLIENT)["version"]
    assert project(ROOT)["version"] == version
    assert str(requirements(ROOT)["asktell"].specifier) == f"=={version}"


@pytest.mark.parametrize(
    ("directory", "packages"), [(ROOT, ["server/asktell_server"]), (CLIENT, ["asktell", "asktell_command"])]
)
def test_a_wheel_holds_every_file_of_its_packages(directory: Path, packages: list[str], tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(directory, tmp_path)) as wheel:
        names = set(wheel.namelist())
    expected = set().union(*(source_names(directory / package) for package in packages))
    assert {f"{Path(package).name}/py.typed" for package in packages} <= expected
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_the_server_ships_its_lua_scripts() -> None:
    assert any(name.endswith(".lua") for name in source_names(ROOT / "server/asktell_server"))


def test_the_client_requires_nothing_of_the_server() -> None:
    assert not requirements(CLIENT).keys() & {"asktell-server", *SERVER_ONLY}


def test_importing_the_client_loads_nothing_of_the_server() -> None:
    code = f"import asktell, asktell.cli, sys; print([m for m in {SERVER_ONLY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("directory", [ROOT, CLIENT])
def test_floors_are_those_the_generated_code_enforces(directory: Path) -> None:
    generated = CLIENT / "asktell/v1"
    grpc = re.search(r"GRPC_GENERATED_VERSION = '(.+)'", (generated / "trial_service_pb2_grpc.py").read_text())
    protobuf = re.search(r"# Protobuf Python Version: (.+)", (generated / "trial_pb2.py").read_text())
    assert grpc is not None
    assert protobuf is not None
    required = requirements(directory)
    assert floor(required["grpcio"]) >= Version(grpc[1])
    assert floor(required["protobuf"]) >= Version(protobuf[1])


def test_everything_installed_is_pinned_at_its_version() -> None:
    ours = {"asktell", "asktell-server", "pip"}
    installed = {
        canonicalize_name(d.name): d.version.removesuffix(f"+{LABEL}") for d in importlib.metadata.distributions()
    }
    assert {name: version for name, version in installed.items() if name not in ours} == {
        name: version for name, version in pins().items() if name in installed
    }


@pytest.mark.parametrize("script", ["asktell", "asktell-server"])
def test_console_scripts_start(script: str) -> None:
    shown = subprocess.run([Path(sys.executable).parent / script, "--help"], check=True, capture_output=True, text=True)
    assert "Usage" in shown.stdout
