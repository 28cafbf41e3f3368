"""The programs that the READMEs show."""

from __future__ import annotations

import re
from pathlib import Path


def python_code(readme: Path) -> str:
    """The first Python program of a page."""
    found = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]
