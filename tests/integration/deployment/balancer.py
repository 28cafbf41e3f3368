"""A real nginx with the repository's own configuration."""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.valkey import wait_until

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "deploy/nginx.conf.template"

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CALL = re.compile(r"^\S+ \S+ (?P<path>\S+) (?P<status>\d+) grpc=(?P<code>\S+) .* by (?P<servers>.+)$", re.MULTILINE)


def variables() -> set[str]:
    """The names that the template wants a value for."""
    return set(_VARIABLE.findall(TEMPLATE.read_text()))


def render(values: Mapping[str, str]) -> str:
    """The template with its variables filled in, as envsubst in the nginx image does it. KeyError: one is missing."""
    return _VARIABLE.sub(lambda match: values[match[1]], TEMPLATE.read_text())


class Balancer:
    """One running nginx in front of the servers."""

    def __init__(self, nginx: Path, directory: Path, servers: Sequence[str]) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.health_url = f"http://127.0.0.1:{free_port()}/healthz"
        self._access_log = directory / "access.log"
        self._error_log = directory / "error.log"
        directory.mkdir(parents=True)
        configuration = directory / "nginx.conf"
        configuration.write_text(
            render(
                {
                    "BALANCER_DIRECTORY": str(directory),
                    "BALANCER_LISTEN": self.address,
                    "BALANCER_STATUS_LISTEN": self.health_url.removeprefix("http://").removesuffix("/healthz"),
                    "BALANCER_ACCESS_LOG": f"{self._access_log} calls",
                    "BALANCER_RESOLVER": "127.0.0.1",  # unused: the servers are given by address
                    "BALANCER_SERVERS": " ".join(f"server {server} max_fails=1 fail_timeout=2s;" for server in servers),
                }
            )
        )
        with self._error_log.open("wb") as errors:
            self._process = subprocess.Popen(
                [nginx, "-c", configuration, "-g", "daemon off;"], stdin=subprocess.DEVNULL, stderr=errors
            )
        wait_until(self._answers, what="nginx")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._error_log.read_text()
        try:
            with urllib.request.urlopen(self.health_url, timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def answered(self, path: str) -> Counter[str]:
        """How many calls of `path` each server answered with status OK, by address."""
        calls = (match.groupdict() for match in _CALL.finditer(self._access_log.read_text()))
        # After a try of another server the log has all of them: the last one answered.
        return Counter(c["servers"].split(", ")[-1] for c in calls if c["path"] == path and c["code"] == "0")

    def stop(self) -> None:
        """Ends nginx at once, open streams included."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=20)


@contextmanager
def balancer(nginx: Path, directory: Path, servers: Sequence[str]) -> Iterator[Balancer]:
    """nginx in front of `servers` (host:port each) for the length of a block."""
    running = Balancer(nginx, directory, servers)
    try:
        yield running
    finally:
        running.stop()
