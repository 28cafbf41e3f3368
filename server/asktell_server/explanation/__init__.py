"""Explanations of trials for people and programs: what `asktell-server explain` prints."""

from asktell_server.explanation.plain import as_json
from asktell_server.explanation.text import as_text

__all__ = ["as_json", "as_text"]
