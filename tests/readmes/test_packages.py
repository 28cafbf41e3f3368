"""What a release consists of holds what its users need, and nothing of ours. `make release` tries all of it."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.versions import versions
from tests.conformance.languages import LANGUAGES
from tests.readmes.following import ROOT
from tests.toolchains import skip_or_fail

(VERSION,) = versions()
GO = "github.com/asktell/asktell/clients/go"

PACKAGES = {
    "go": (f"go/{GO}/@v/v{VERSION}.zip", f"{GO}@v{VERSION}", {"go.mod", "client.go", "asktell/v1/study.pb.go"}, "tools/"),
    "typescript": (f"asktell-{VERSION}.tgz", "package", {"dist/esm/index.js", "dist/cjs/index.d.ts"}, "src/"),
    "rust": (f"asktell-{VERSION}.crate", f"asktell-{VERSION}", {"src/generated/asktell.v1.rs", "Cargo.toml"}, "generate/"),
    "cpp": (
        f"asktell-cpp-{VERSION}.tar.gz", f"asktell-cpp-{VERSION}",
        {"CMakeLists.txt", "proto/asktell/v1/study.proto", "include/asktell/asktell.hpp"}, "conformance/",
    ),
}  # fmt: skip
"""By language: the file, its folder, what must be in it, and what must not."""


def names(archive: Path) -> set[str]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            return set(zipped.namelist())
    with tarfile.open(archive) as opened:
        return set(opened.getnames())


@pytest.mark.parametrize("language", PACKAGES)
def test_a_package_holds_what_its_users_need(language: str, tmp_path: Path) -> None:
    why = LANGUAGES[language].missing()
    if why is not None:
        skip_or_fail(why)
    file, folder, needed, unwanted = PACKAGES[language]
    command = [f"{ROOT}/scripts/languages/{language}.sh", "package", str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    held = names(tmp_path / file)
    assert {f"{folder}/{name}" for name in needed | {"README.md", "LICENSE"}} <= held
    assert not [name for name in held if name.startswith(f"{folder}/{unwanted}") or name.endswith(".tsbuildinfo")]


@pytest.mark.parametrize("client", ["python", "rust", "typescript"])
def test_packages_carry_the_licence_of_the_repository(client: str) -> None:
    assert (ROOT / "clients" / client / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_a_release_of_an_unknown_language_is_refused_with_the_known_ones() -> None:
    refused = subprocess.run(
        [ROOT / "scripts/release.sh", "--only", "cobol"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "python go typescript java rust cpp" in refused.stderr
