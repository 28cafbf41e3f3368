"""A server of one's own for a demonstration: started on a free port, stopped at the end."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

START_SECONDS = 60
STOP_SECONDS = 20


def program(name: str) -> str:
    """A command of the environment that runs this file."""
    return str(pathlib.Path(sys.executable).with_name(name))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A starting or running ``asktell-server``, the file that will hold its address, and its log."""

    process: "subprocess.Popen[bytes]"
    ready_file: pathlib.Path
    log: pathlib.Path

    def address(self) -> str:
        """Wait until the server serves and return its address; exit with its last words if it cannot."""
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"asktell-server did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return self.ready_file.read_text().strip()


@contextlib.contextmanager
def local_server(directory: str | pathlib.Path) -> Iterator[LocalServer]:
    """Start a server with its store and its log in `directory`, and stop it; it serves when it has an `address`."""
    root = pathlib.Path(directory)
    log, ready_file = root / "server.log", root / "address"
    command = [program("asktell-server"), "serve", "--listen", "127.0.0.1:0", "--ready-file", str(ready_file)]
    environment = {**os.environ, "ASKTELL_TOKEN": ""}  # a token that was exported for another server
    with log.open("w") as stderr:
        # In a session of its own: Ctrl-C is not for the server, which is stopped below, after the workers.
        process = subprocess.Popen(
            [*command, "--data-dir", str(root / "data")], stderr=stderr, env=environment, start_new_session=True
        )
    try:
        yield LocalServer(process=process, ready_file=ready_file, log=log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
