"""The manifests of all clients and examples: one version, no registry's host; and what every language's script can do."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts import versions

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = sorted(path.stem for path in (ROOT / "scripts/languages").glob("*.sh"))
DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_all_clients_carry_one_version() -> None:
    found = versions.versions()
    assert len(found) == 1, found
    patterns = ("*pyproject.toml", "*package.json", "*package-lock.json", "*pom.xml", "*workspace.xml", "*Cargo.toml")
    assert {str(file.relative_to(ROOT)) for file in tracked(*patterns)} <= {place.file for place in versions.PLACES}


def test_one_command_gives_all_of_them_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in versions.PLACES:
        copy = tmp_path / place.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / place.file).read_bytes())
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["versions.py", "--set", "7.8.9"])
    assert versions.main() == 0
    assert versions.versions() == {"7.8.9": {place.file for place in versions.PLACES}}


MANIFESTS = (
    "*pyproject.toml", "constraints.txt", "*package.json", "*package-lock.json", "*.npmrc", "*go.mod", "*go.sum",
    "*pom.xml", "*workspace.xml", "*Cargo.toml", "*CMakeLists.txt", "*buf*.yaml", "*.gen.yaml",
)  # fmt: skip
NO_REGISTRIES = {
    "maven.apache.org", "www.w3.org",  # names of XML vocabularies
    "github.com", "eslint.org", "opencollective.com",  # where the authors of npm's packages take donations
}  # fmt: skip


def test_no_manifest_or_lock_names_a_registry() -> None:
    files = tracked(*MANIFESTS)
    assert len(files) > 15
    for file in files:
        text = file.read_text()
        hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s\"'<>]+", text)}
        assert hosts <= NO_REGISTRIES, file
        assert '"resolved"' not in text, file
        assert not re.search(r"^\s*(registry|index-url|extra-index-url|replace-with)\s*=", text, re.MULTILINE), file
    assert not tracked("*Cargo.lock"), "its lines name the public index"
    assert "omit-lockfile-registry-resolved=true" in (ROOT / "clients/typescript/.npmrc").read_text()


def test_rust_pins_what_its_lock_would() -> None:
    for file in tracked("*Cargo.toml"):
        manifest = tomllib.loads(file.read_text())
        tables = (manifest, manifest.get("workspace", {}))
        for name, wanted in ((k, v) for t in tables for key in DEPENDENCIES for k, v in t.get(key, {}).items()):
            version = wanted if isinstance(wanted, str) else wanted.get("version", "=")  # a path, or the workspace's
            assert version.startswith("="), f"{file.relative_to(ROOT)}: {name} {version}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_client_has_what_a_client_has(language: str) -> None:
    readme = (ROOT / "clients" / language / "README.md").read_text()
    assert re.search(r"^## The loop$", readme, re.MULTILINE)
    assert "ASKTELL_ADDRESS" in readme
    assert "ASKTELL_TOKEN" in readme
    usage = subprocess.run([ROOT / "scripts/languages" / f"{language}.sh", "what"], capture_output=True, text=True)
    assert usage.returncode == 2
    assert {"check", "build", "lint", "test", "docs", "generate"} <= set(re.findall(r"\w+", usage.stderr))


def test_the_public_headers_of_cpp_hold_no_raw_pointers() -> None:
    for header in tracked("clients/cpp/include/*.hpp"):
        for line in header.read_text().splitlines():
            code = line.split("//")[0]
            assert not re.search(r"[\w>]\*[\s,;)>&]|[\w>]\*$", code), f"{header.name}: {line}"
            assert not re.search(r"\b(new|delete|malloc|free)\b(?!;)", code), f"{header.name}: {line}"


def bare_machine(directory: Path) -> dict[str, str]:
    """An environment in which no language's toolchain is to be found."""
    for name in ("bash", "env", "basename", "dirname", "sed", "sort", "head", "grep", "git", "cat", "tr", "cut", "awk"):
        path = shutil.which(name)
        assert path is not None, name
        (directory / name).symlink_to(path)
    return {"PATH": str(directory), "HOME": str(directory)}


@pytest.mark.parametrize("action", ["test", "build"])
def test_each_language_without_its_toolchain_is_named(tmp_path: Path, action: str) -> None:
    command = [str(ROOT / "scripts/languages.sh"), action]
    environment = bare_machine(tmp_path)
    skipped = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert skipped.returncode == 0, skipped.stderr
    lines = skipped.stdout.splitlines()
    assert [line.split(": skipped, ")[0] for line in lines] == LANGUAGES
    assert all(len(line.split(": skipped, ")[1]) > 5 for line in lines), "each says what is missing"
    environment["ASKTELL_REQUIRE_ALL"] = "1"
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert re.findall(r"failed: (\w+) \(toolchain\)", refused.stderr) == LANGUAGES
