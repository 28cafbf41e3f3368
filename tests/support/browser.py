"""A real browser on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.toolchains import require

_PATIENCE_S = 120


def browse(url: str, profile: Path) -> str:
    """What a browser shows of a page once its scripts have run. Names under `.example` resolve to this machine."""
    command = [
        str(require("chromium-headless-shell")),
        "--no-sandbox",  # it runs in containers, as root
        "--disable-gpu",
        "--no-proxy-server",
        f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        "--virtual-time-budget=10000",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    return done.stdout
