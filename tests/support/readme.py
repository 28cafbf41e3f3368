"""The programs that the pages for users show."""

from __future__ import annotations

import re
from pathlib import Path


def blocks(page: Path, language: str) -> list[str]:
    """The code of a page that is marked as of this language, in its order; there is some."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page}: no code marked {language}"
    return found
