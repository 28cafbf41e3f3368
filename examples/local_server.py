"""A server of one's own for a demonstration: started on a free port, stopped at the end."""

import contextlib
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


@contextlib.contextmanager
def local_server(directory: str | pathlib.Path) -> Iterator[str]:
    """Starts `asktell-server` with its store and its log in `directory`; the address, once it serves.

    Raises:
        SystemExit: it cannot be started; with its last words.
    """
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
        deadline = time.monotonic() + START_SECONDS
        while not ready_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"asktell-server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield ready_file.read_text().strip()
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
