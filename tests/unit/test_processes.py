"""Child processes run none of this process's fork handlers, on the event loop that the server uses too."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from asktell_server.processes import spawn_detached, spawn_piped

# The C library's own fork handlers, which is what gRPC registers; in a process of their own, for they stay for good.
_COUNT_FORKS = """
import asyncio, ctypes, os, sys
import uvloop
from pathlib import Path
from asktell_server.processes import spawn_detached, spawn_piped

count = 0
@ctypes.CFUNCTYPE(None)
def handler():
    global count
    count += 1
assert ctypes.CDLL(None).__register_atfork(handler, None, None, None) == 0
os.register_at_fork(before=handler)

async def main():
    lock = os.open(os.devnull, os.O_RDONLY)
    detached = spawn_detached(["/bin/sh", "-c", ":"], directory=Path.cwd(), umask=0o077, inherited=lock)
    piped = await spawn_piped(["/bin/sh", "-c", ":"], environment=os.environ)
    print(await detached.wait(), await piped.wait(), count)
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", ":")
    await process.wait()
    print(count > 0)

uvloop.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc's __register_atfork")
def test_no_fork_handler_runs() -> None:
    ended = subprocess.run([sys.executable, "-c", _COUNT_FORKS], check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["0", "0", "0", "True"]  # and the last one: the counting works


async def test_a_detached_child(tmp_path: Path) -> None:
    """It has its directory, its umask, a session of its own, and the lock for as long as it lives."""
    directory = tmp_path / "with 'quotes' and $HOME"
    directory.mkdir()
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    program = 'echo "$1" "$$" >file; trap "exit 7" TERM; while :; do sleep 0.01; done'
    child = spawn_detached(["/bin/sh", "-c", program, "sh", "a b"], directory=directory, umask=0o077, inherited=lock)
    os.close(lock)
    written = directory / "file"
    async with asyncio.timeout(60):
        while not written.exists() or not written.read_text():  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.01)
    assert written.read_text() == f"a b {child.pid}\n"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert os.getsid(child.pid) == child.pid
    again = os.open(tmp_path / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    child.terminate()
    assert await child.wait() == 7
    assert child.returncode == 7
    child.kill()  # too late, and no error


async def test_a_killed_child_ends_with_the_signal(tmp_path: Path) -> None:
    child = spawn_detached(["/bin/sleep", "60"], directory=tmp_path, umask=0o022, inherited=0)
    child.kill()
    assert await child.wait() == -signal.SIGKILL


@pytest.mark.parametrize("arguments", [["/does/not/exist"]])
async def test_a_program_that_is_not_there(tmp_path: Path, arguments: list[str]) -> None:
    assert await spawn_detached(arguments, directory=tmp_path, umask=0o077, inherited=0).wait() == 127
    assert await spawn_detached(arguments, directory=tmp_path / "nowhere", umask=0o077, inherited=0).wait() != 0
    with pytest.raises(FileNotFoundError):
        await spawn_piped(arguments, environment=os.environ)


async def test_a_piped_child() -> None:
    """It answers what it gets, sees the end of its input, and inherits nothing else."""
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(50)]
    for descriptor in others[::2]:  # as if this process had inherited them
        os.set_inheritable(descriptor, True)
    child = await spawn_piped(
        ["/bin/sh", "-c", "cat; ls /dev/fd | wc -l; exit 3"], environment={**os.environ, "A": "b"}
    )
    body = b"x" * 1_000_000 + b"\n"
    child.stdin.write(body)
    reading = asyncio.create_task(child.stdout.readexactly(len(body)))
    await child.stdin.drain()
    assert await reading == body
    child.stdin.close()
    assert int(await child.stdout.read()) < len(others) // 2
    assert await child.wait() == 3
    for descriptor in others:
        os.close(descriptor)
