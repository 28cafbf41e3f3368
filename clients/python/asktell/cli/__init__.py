"""The command line `asktell`."""

from asktell.cli.main import main

__all__ = ["main"]
