"""`asktell-server store check | repair`: the files of an embedded store, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from asktell_server.store.valkey_process import EmbeddedStoreError

_data_dir = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Data of the embedded store, as for serve."
)


@click.group()
def store() -> None:
    """Look through, or mend, the files of an embedded store that no server uses."""


@store.command()
@_data_dir
def check(*, data_dir: Path | None) -> None:
    """Look through the files and change nothing; exit 0 if they are whole, 1 if not.

    The base file's checksum is left to Valkey, which verifies it at each start.

    \b
    Examples:
      asktell-server store check
      asktell-server store check --data-dir ./studies
    """
    from asktell_server.store.append_only import describe
    from asktell_server.store.repair import check_files

    with _in_words():
        damage = check_files(data_dir)
    if damage is None:
        click.echo("the files are whole")
        return
    if damage.later_command is None:
        click.echo(
            f"{describe(damage)}. The last {damage.lost} bytes have to be cut off. They lie behind the last byte that "
            "was synced to the disk, as a power cut leaves them: no acknowledged change is in them. A server does it at "
            "its start, and so does: asktell-server store repair"
        )
    else:
        click.echo(
            f"{describe(damage)}, and whole changes follow from byte {damage.later_command} on: a power cut does not do "
            "that, and acknowledged changes may be among them. Restore the data directory from a backup"
        )
    raise click.exceptions.Exit(1)


@store.command()
@_data_dir
@click.option(
    "--lose-later-changes", is_flag=True, help="Cut even where whole changes follow the damage: they are given up."
)
def repair(*, data_dir: Path | None, lose_later_changes: bool) -> None:
    """Cut off a damaged end, as a server does at its start; the damaged file is kept as a copy.

    \b
    Examples:
      asktell-server store repair
      asktell-server store repair --data-dir ./studies
      asktell-server store repair --data-dir ./studies --lose-later-changes
    """
    from asktell_server.store.append_only import describe
    from asktell_server.store.repair import repair_files

    with _in_words():
        mended = repair_files(data_dir, lose_later_changes=lose_later_changes)
    if mended is None:
        click.echo("the files are whole, and nothing was changed")
        return
    damage, kept = mended
    click.echo(f"{describe(damage)}: the last {damage.lost} bytes were cut off. The damaged file is kept as {kept}")


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except EmbeddedStoreError as error:
        raise click.ClickException(str(error)) from None
