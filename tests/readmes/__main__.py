"""`python -m tests.readmes`: follows the READMEs from empty projects, with this clone or with a release."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click

import asktell
from scripts.versions import versions
from tests.readmes.following import STUDY, follow
from tests.readmes.places import RELEASED, beside_this_clone
from tests.support.server import ServerProcess

TRIALS = 3


@click.command()
@click.option("--language", "chosen", multiple=True, type=click.Choice(list(RELEASED)), help="Repeat it for several.")
@click.option(
    "--release", type=click.Path(path_type=Path, exists=True), help="A folder that scripts/release.sh has filled."
)
def main(chosen: tuple[str, ...], release: Path | None) -> None:
    """Follow the READMEs of the clients, each from an empty project to a study that is complete."""
    languages = chosen or tuple(RELEASED)
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder) / "server") as server:
        for language in languages:
            scratch = Path(folder) / language
            scratch.mkdir()
            began = time.monotonic()
            try:
                _follow(language, scratch, server.address, release and release.resolve())
            except AssertionError as failure:
                raise click.ClickException(str(failure)) from None
            click.echo(f"{language}: its README's study is complete ({time.monotonic() - began:.0f} s)")


def _follow(language: str, scratch: Path, address: str, release: Path | None) -> None:
    (version,) = versions()
    study = f"{STUDY}-{language}"
    place = RELEASED[language](release, version, scratch) if release else beside_this_clone(language, scratch)
    follow(language, scratch / "tuning", place, address=address, study=study, trials=TRIALS)
    with asktell.Client(address) as client:
        done = client.study(study)
        assert done.counts.succeeded == TRIALS, f"{language}: {done}"


if __name__ == "__main__":
    sys.exit(main())
