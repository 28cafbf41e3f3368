"""A real browser on this machine."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.toolchains import require

_PATIENCE_S = 120
_CONSOLE = re.compile(r':INFO:CONSOLE[^\]]*\] "(.*)", source: ')
_REQUEST = re.compile(r'"url":\s*"((?:https?|wss?|ftp):[^"]*)"')


@dataclass(frozen=True)
class Visit:
    """What came of opening a page.

    Attributes:
        shown: the page once its scripts have run.
        console: what its scripts wrote there, errors that nobody caught and breaches of its policy included.
        requests: the addresses that the page asked a network for.
    """

    shown: str
    console: list[str]
    requests: list[str]


def browse(url: str, profile: Path) -> str:
    """What a browser shows of a page once its scripts have run. Names under `.example` resolve to this machine."""
    return visit(url, profile).shown


def visit(url: str, profile: Path) -> Visit:
    """Opens a page. Names under `.example` resolve to this machine."""
    profile.mkdir(parents=True, exist_ok=True)
    net_log = profile / "net-log.json"
    command = [
        str(require("chromium-headless-shell")),
        "--no-sandbox",  # it runs in containers, as root
        "--disable-gpu",
        "--no-proxy-server",
        f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        "--virtual-time-budget=10000",
        "--enable-logging=stderr",
        f"--log-net-log={net_log}",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    requests = dict.fromkeys(_REQUEST.findall(net_log.read_text(encoding="utf-8", errors="replace")))
    return Visit(shown=done.stdout, console=_CONSOLE.findall(done.stderr), requests=list(requests))
