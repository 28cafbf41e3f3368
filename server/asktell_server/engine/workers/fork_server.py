"""The process that workers are forked from, so that all of them share the memory of what it has loaded.

Started by `forks.py` as `python -P -m asktell_server.engine.workers.fork_server PARENT_PID`. It warms up as a worker does,
says so, and from then on forks on request and tells which of its workers have ended. It has one thread and never computes
while it serves, so a fork copies nothing that is in the middle of something.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import struct
import sys
from typing import BinaryIO

from asktell_server.engine.workers.messages import Failure, write_message
from asktell_server.engine.workers.worker import die_with, serve, take_streams, warm_up

REQUEST = struct.Struct(">Q")
"""A request: 0 with a connection for a new worker, or the process id of a worker that is to be killed.

A worker is killed through its parent because the parent alone knows that the process id is still that worker's.
"""
Ended = tuple[int, int]
"""What is said of a worker that has ended: its process id, its exit status (negative: the signal)."""


def main() -> None:
    """Serves until the parent closes the connection or is gone."""
    requests, replies = take_streams(parent=int(sys.argv[1]))
    with requests:
        connection = socket.socket(fileno=os.dup(requests.fileno()))
    warm_up()
    _ForkServer(connection, replies).serve()


class _ForkServer:
    def __init__(self, requests: socket.socket, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._wake, wakes = os.pipe()
        for end in (self._wake, wakes):
            os.set_blocking(end, False)
        self._own = (self._wake, wakes)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, _nothing)
        self._workers: set[int] = set()

    def serve(self) -> None:
        """Forks and reaps until the requests end. Workers that are left are ended by the end of this process."""
        write_message(self._replies, os.getpid())
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake in ready:
                    os.read(self._wake, 4096)
                    self._reap()
                if self._requests in ready:
                    data, connections, _, _ = socket.recv_fds(self._requests, REQUEST.size, 1)
                    if not data:
                        return
                    (pid,) = REQUEST.unpack(data)
                    if connections:
                        self._fork(connections[0])
                    elif pid in self._workers:
                        os.kill(pid, signal.SIGKILL)

    def _fork(self, connection: int) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes: the workers that there are go on
            os.close(connection)
            write_message(self._replies, Failure(reason=f"no process could be forked: {error}"))
            return
        if pid == 0:
            self._be_worker(parent, connection)
        os.close(connection)
        self._workers.add(pid)
        write_message(self._replies, pid)

    def _be_worker(self, parent: int, connection: int) -> None:
        """Never returns: what this process was made for as a fork server must not run here, exit handlers included."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in self._own:
                os.close(descriptor)
            self._requests.close()
            self._replies.close()
            die_with(parent)
            serve(os.fdopen(connection, "rb"), os.fdopen(os.dup(connection), "wb"))
        except BrokenPipeError:  # the server is gone, or has given this worker up
            os._exit(0)
        except BaseException:
            logging.getLogger(__name__).exception("a worker ends")
            os._exit(1)
        os._exit(0)

    def _reap(self) -> None:
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._workers.remove(pid)
            ended: Ended = (pid, os.waitstatus_to_exitcode(status))
            write_message(self._replies, ended)


def _nothing(_number: int, _frame: object) -> None:
    """A signal that is ignored would not wake the loop up."""


if __name__ == "__main__":
    main()
