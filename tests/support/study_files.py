"""Study files, read by the server's reader without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asktell import StudyView
from asktell_server.protocols.asktell_v1.study_files.reader import read_study_file


def read(path: Path) -> StudyView:
    """The study of a file."""
    file = asyncio.run(read_study_file(path.read_text(encoding="utf-8")))
    return StudyView(file.study)
