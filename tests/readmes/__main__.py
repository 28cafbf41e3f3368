"""`python -m tests.readmes`: follows the READMEs from empty projects, with this clone or with a release."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click

from scripts.versions import versions
from tests.readmes.following import Place, follow_to_the_end
from tests.readmes.places import RELEASED, beside_this_clone
from tests.support.server import ServerProcess


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
                place = _released(language, release, scratch) if release else beside_this_clone(language, scratch)
                follow_to_the_end(language, scratch, place, address=server.address)
            except AssertionError as failure:
                raise click.ClickException(str(failure)) from None
            click.echo(f"{language}: its README's study is complete ({time.monotonic() - began:.0f} s)")


def _released(language: str, dist: Path, scratch: Path) -> Place:
    (version,) = versions()
    return RELEASED[language](dist.resolve(), version, scratch)


if __name__ == "__main__":
    sys.exit(main())
