"""Which executor runs a language's client, and how to tell whether it can be built here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "scripts" / "languages"
_MISSING = 3


@dataclass(frozen=True, slots=True)
class Language:
    """A client under test. `command` is run from the repository's root; `door`: the protocol it speaks."""

    name: str
    command: tuple[str, ...]
    door: str = "grpc"

    @property
    def script(self) -> Path | None:
        """The build script; None where nothing has to be built."""
        path = SCRIPTS / f"{self.name}.sh"
        return path if path.exists() else None

    @property
    def exists(self) -> bool:
        """The repository has this client."""
        return self.command[0] == sys.executable or self.script is not None

    def missing(self) -> str | None:
        """Why it cannot be built here, in a line; None = it can."""
        if self.script is None:
            return None
        check = subprocess.run([self.script, "check"], capture_output=True, text=True, cwd=ROOT, check=False)
        if check.returncode == 0:
            return None
        words = (check.stderr + check.stdout).strip().splitlines() or ["it says nothing"]
        if check.returncode == _MISSING:
            return words[0]
        raise RuntimeError(f"{self.script} check: status {check.returncode}: {words[0]}")

    def build(self) -> None:
        """Builds client and executor. Raises RuntimeError with the end of the output."""
        if self.script is None:
            return
        build = subprocess.run(
            [ROOT / "scripts" / "build_language.sh", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            check=False,
        )
        if build.returncode:
            raise RuntimeError(f"{self.script} build: status {build.returncode}:\n{build.stdout[-4000:]}")


def _table(*languages: Language) -> Mapping[str, Language]:
    return {language.name: language for language in languages}


LANGUAGES = _table(
    Language("python", (sys.executable, "-m", "tests.conformance.executors.python_executor")),
    Language("go", ("clients/go/build/conformance",)),
    Language("typescript", ("node", "clients/typescript/build/conformance/main.js")),
    Language("java", ("java", "-jar", "clients/java/target/conformance.jar")),
    Language("rust", ("clients/rust/target/debug/conformance",)),
    Language("cpp", ("clients/cpp/build/conformance",)),
    Language("http", (sys.executable, "-m", "tests.conformance.executors.http_executor"), door="http"),
)
