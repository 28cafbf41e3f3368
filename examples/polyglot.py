"""What ``make demo-polyglot`` runs: one study, and a worker in every language whose toolchain is here.

Each worker is a program of its own that trains a real model natively; all of them ask one server for configurations.
"""

import argparse
import collections
import contextlib
import dataclasses
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

import asktell
from examples.local_server import local_server, program

ROOT = pathlib.Path(__file__).parent.parent
STUDY_FILE = ROOT / "examples" / "digits.yaml"
MISSING = 3
"""Exit status of a language's `check` when its toolchain is not installed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Language:
    """A language and the program that works on the study: `command STUDY --trials N`, from the repository's root.

    Its trials are known by their worker's name, which begins with `name:`.
    """

    name: str
    command: tuple[str, ...]

    def problem(self) -> str | None:
        """Builds the program where that is needed; in a line, why it cannot be run here."""
        script = ROOT / "scripts" / "languages" / f"{self.name}.sh"
        if self.name in BUILT_ALREADY:
            return None
        if not script.exists():
            return "this repository has no client for it yet"
        check = subprocess.run([script, "check"], capture_output=True, text=True, check=False)
        if check.returncode == MISSING:
            return (check.stderr + check.stdout).strip().partition("\n")[0]
        print(f"{self.name}: building", flush=True)
        build = subprocess.run(
            [ROOT / "scripts" / "build_language.sh", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if build.returncode:
            raise SystemExit(f"{self.name}: the build failed:\n{build.stdout[-4000:]}")
        return None


LANGUAGES = (
    Language("python", (sys.executable, "-m", "examples.python_digits")),
    Language("go", ("examples/go/build/digits",)),
    Language("typescript", ("node", "examples/typescript/build/main.js")),
    Language("java", ("java", "-jar", "examples/java/target/digits.jar")),
    Language("rust", ("examples/rust/target/digits",)),
    Language("cpp", ("examples/cpp/build/digits",)),
    Language("bash", ("examples/bash/digits.sh",)),
)
BUILT_ALREADY = {"python", "bash"}


def main() -> int:
    """Run the demonstration; 130 after Ctrl-C or SIGTERM, with everything stopped."""
    parser = argparse.ArgumentParser(prog="python -m examples.polyglot", description=__doc__)
    parser.add_argument("--trials", type=int, default=60, help="trials of the study (default: %(default)s)")
    trials: int = parser.parse_args().trials
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    present = [language for language in LANGUAGES if not _skipped(language)]
    try:
        with tempfile.TemporaryDirectory(prefix="asktell-polyglot-") as directory, local_server(directory) as server:
            study = _run(server.address(), present, trials)
            print()
            sound = _summary(study, present, trials)
    except KeyboardInterrupt:
        print("interrupted: the workers and the server are stopped", file=sys.stderr)
        return 130
    print(f"done in {time.monotonic() - started:.0f} s")
    return 0 if sound else 1


def _skipped(language: Language) -> bool:
    problem = language.problem()
    if problem is not None:
        print(f"{language.name}: skipped: {problem}", flush=True)
    return problem is not None


def _run(address: str, languages: Sequence[Language], trials: int) -> Sequence[asktell.Trial]:
    """All workers on one study until it is complete; its trials."""
    with asktell.Client(address) as client:
        study = client.create_study_from_file(STUDY_FILE)
        if trials != study.max_trials:
            study.update(max_trials=trials)
        # A share for each, so that a language that starts slowly is not left without a trial.
        share = math.ceil(trials / len(languages))
        print(f"one study, {trials} trials, server at {address}: {', '.join(each.name for each in languages)}\n")
        with _workers(languages, address, ["digits", "--trials", str(share)]) as workers:
            failed = [name for name, worker in workers.items() if worker.wait()]
        if failed:
            raise SystemExit(f"these workers failed, their errors are above: {', '.join(failed)}")
        return study.trials()


@contextlib.contextmanager
def _workers(
    languages: Iterable[Language], address: str, arguments: list[str]
) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """The running workers by language; those that are still at it at the end are told to stop."""
    commands = str(pathlib.Path(program("asktell")).parent)
    environment = {
        **os.environ,
        "ASKTELL_ADDRESS": address,
        "ASKTELL_TOKEN": "",
        "OMP_NUM_THREADS": "1",  # the workers are the parallelism
        "PATH": os.pathsep.join([commands, os.environ.get("PATH", os.defpath)]),
    }
    workers = {
        language.name: subprocess.Popen([*language.command, *arguments], cwd=ROOT, env=environment)
        for language in languages
    }
    try:
        yield workers
    finally:
        for worker in workers.values():
            if worker.poll() is None:
                worker.terminate()
        for worker in workers.values():
            worker.wait()


def _summary(trials: Sequence[asktell.Trial], languages: Sequence[Language], wanted: int) -> bool:
    """Prints who did what; whether it is all as it should be."""
    done = collections.Counter(_language(trial, languages) for trial in trials)
    for language in languages:
        print(f"{language.name:<12}{done[language.name]:>4} trials")
    configurations = {tuple(sorted(trial.params.items())) for trial in trials}
    twice = len(trials) - len(configurations)
    again = sum(trial.attempt > 1 for trial in trials)
    print(f"{len(trials)} trials, {len(configurations)} different configurations: ", end="")
    print("none was run twice" if not twice and not again else f"{twice + again} were run twice")
    results = [trial for trial in trials if "val_loss" in trial.metrics]
    best = min(results, key=lambda trial: trial.metrics["val_loss"], default=None)
    if best is not None:
        settings = "  ".join(f"{name} {value:.4g}" for name, value in sorted(best.params.items()))
        print(
            f"best: trial {best.number}, by {_language(best, languages)}: val_loss {best.metrics['val_loss']:.4f}, "
            f"val_accuracy {best.metrics['val_accuracy']:.4f}\n      {settings}"
        )
    return not twice and not again and len(results) == wanted and all(done[each.name] for each in languages)


def _language(trial: asktell.Trial, languages: Sequence[Language]) -> str:
    """The language of a trial's worker; `asktell run`, which bash uses, goes by host and process alone."""
    name = trial.worker_id.partition(":")[0]
    return name if name in {language.name for language in languages} else "bash"


if __name__ == "__main__":
    sys.exit(main())
