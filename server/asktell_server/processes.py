"""Child processes that are started without a fork of this process.

A fork runs the fork handlers of every loaded library, and uvloop forks for each subprocess. gRPC's handlers crash the
child now and then while gRPC's threads are at work. `posix_spawn` runs no handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

EXIT_S = 5.0
"""How long a child may take to end once its pipes are closed: its own exit status says more than that of a kill."""
_FIRST_FREE = 3  # the first file descriptor after standard input, output and error
_RESET = tuple(
    getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)
)  # Python ignores these, and a child would go on ignoring them
_IN_DIRECTORY = 'umask "$0" && cd "$1" && shift && exec "$@"'
"""Shell text: posix_spawn can set neither the umask nor the working directory."""


class Child:
    """A running child process. Its methods are called from the event loop that was running when it was made."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """The exit status (negative: the signal), once the end has been noticed."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        threading.Thread(target=self._reap, name=f"wait for {pid}", daemon=True).start()

    async def wait(self) -> int:
        """Returns the exit status (negative: the signal) when the process has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal; does nothing when the process has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Asks the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the process at once."""
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        try:
            _, status = os.waitpid(self.pid, 0)
            code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:  # somebody else has taken the status
            code = 255
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._end, code)

    def _end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class PipedChild(Child):
    """A child process with pipes to its standard input and from its standard output."""

    def __init__(self, pid: int, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        super().__init__(pid)
        self.stdin = stdin
        self.stdout = stdout


class ConnectedChild(Child):
    """A child process whose standard input is a socket, and a pipe from its standard output."""

    def __init__(self, pid: int, stdin: socket.socket, stdout: asyncio.StreamReader) -> None:
        super().__init__(pid)
        self.stdin = stdin
        self.stdout = stdout


def spawn_detached(arguments: Sequence[str], *, directory: Path, umask: int, inherited: int) -> Child:
    """Starts a program in a session of its own, without standard streams.

    It runs in `directory` with `umask`, and inherits the one file descriptor `inherited` (under another number).

    Raises:
        OSError: there is no shell at /bin/sh. A missing program or directory is the status 126, 127 or 2 of the child.
    """
    number = _FIRST_FREE if inherited != _FIRST_FREE else _FIRST_FREE + 1
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", _IN_DIRECTORY, f"{umask:03o}", str(directory), *arguments],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, inherited, number),
            *_closing(but=number),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=_RESET,
    )
    return Child(pid)


async def spawn_piped(arguments: Sequence[str], *, environment: Mapping[str, str]) -> PipedChild:
    """Starts a program with pipes to its standard input and from its standard output; standard error is this process's.

    Raises:
        OSError: the program cannot be started.
    """
    child_input, to_child = os.pipe()
    try:
        pid, reader = await _spawn(arguments, environment, child_input)
    except BaseException:
        os.close(to_child)
        raise
    finally:
        os.close(child_input)
    # A StreamWriter needs a protocol that knows flow control; nothing is ever read through this one.
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(to_child, "wb", 0)
    )
    return PipedChild(pid, asyncio.StreamWriter(transport, protocol, None, loop), reader)


async def spawn_connected(arguments: Sequence[str], *, environment: Mapping[str, str]) -> ConnectedChild:
    """Starts a program like `spawn_piped`, with a Unix socket for its standard input: descriptors can be sent to it.

    Raises:
        OSError: the program cannot be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            pid, reader = await _spawn(arguments, environment, theirs.fileno())
    except BaseException:
        ours.close()
        raise
    ours.setblocking(False)
    return ConnectedChild(pid, ours, reader)


async def end(child: PipedChild | ConnectedChild, *, grace_s: float) -> None:
    """Closes a child's standard input and ends it, unless that makes it end by itself within `grace_s`.

    Goes through even when cancelled.
    """
    child.stdin.close()
    try:
        async with asyncio.timeout(grace_s):
            await child.wait()
    except TimeoutError:
        pass
    finally:
        child.kill()
        await asyncio.shield(child.wait())


async def _spawn(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: int
) -> tuple[int, asyncio.StreamReader]:
    from_child, child_output = os.pipe()
    try:
        pid = os.posix_spawn(  # noqa: ASYNC221  returns as soon as the program is loaded
            arguments[0],
            list(arguments),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, child_output, 1),
                *_closing(but=None),
            ],
            setsigmask=(),
            setsigdef=_RESET,
        )
    except BaseException:
        os.close(from_child)
        raise
    finally:
        os.close(child_output)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_child, "rb", 0)
    )
    return pid, reader


def _closing(*, but: int | None) -> Iterator[tuple[int, int]]:
    """Closes what this process has inherited itself and a child would inherit in turn, such as a supervisor's pipe."""
    for entry in Path("/dev/fd").iterdir():
        descriptor = int(entry.name)
        with contextlib.suppress(OSError):  # that of the look itself is closed by now
            if descriptor >= _FIRST_FREE and descriptor != but and os.get_inheritable(descriptor):
                yield os.POSIX_SPAWN_CLOSE, descriptor
