"""A worker process: answers tasks one at a time, until the server closes the connection.

Where processes cannot share what they have loaded, it is started as `python -P -m asktell_server.engine.workers.worker
PARENT_PID`, and its first message says that it is warm: torch has been imported and a suggestion of each kind of model has
been made. Elsewhere it is forked, warm, by `fork_server.py`.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import sys
import warnings
from typing import BinaryIO, cast

from asktell_server.engine.task import Answer, Task
from asktell_server.engine.workers.messages import Failure, read_message, write_message

_PR_SET_PDEATHSIG = 1
_GC_THRESHOLD = 50_000
"""New objects before the garbage collector looks for cycles: enough to read a task of 10,000 observations without it."""


def main() -> None:
    """Serves until the parent closes the pipe or is gone."""
    requests, replies = take_streams(parent=int(sys.argv[1]))
    warm_up()
    write_message(replies, os.getpid())
    serve(requests, replies)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers until there are no more requests."""
    while (task := read_message(requests)) is not None:
        write_message(replies, _answer(cast(Task[Answer], task)))


def _answer(task: Task[Answer]) -> Answer | Failure:
    """What was asked for, or what went wrong; the pool knows what to do then."""
    try:
        return task.run()
    except Exception as error:
        logging.getLogger(__name__).exception("a task failed")
        return Failure(reason=f"{type(error).__name__}: {error}")


def die_with(parent: int) -> None:
    """Ends this process when its parent ends, even by kill -9 in the middle of a suggestion."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Elsewhere a busy worker finishes its suggestion first and then finds its standard input closed.
    if os.getppid() != parent:  # it was gone before the line above
        os._exit(0)


def take_streams(*, parent: int) -> tuple[BinaryIO, BinaryIO]:
    """Makes this the process of a server: it ends with its parent, and prints nothing where messages go.

    Returns standard input and output for messages only: whatever a library prints goes to standard error.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group, and are the server's business
        signal.signal(number, signal.SIG_IGN)
    die_with(parent)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s worker %(process)d: %(message)s")
    return requests, replies


def warm_up() -> None:
    """Imports torch and walks every path of the model once, so that the first ask is not the slowest."""
    from asktell_server.engine.workers.warm_up import warm_up_tasks

    warnings.simplefilter("ignore")
    for task in warm_up_tasks():
        result = task.run()
        if result.fallback_reason:
            raise RuntimeError(f"the model does not work here: {result.fallback_reason}")
    gc.collect()
    gc.freeze()  # torch's quarter of a million objects stay: walking them again would cost an ask 0.1 s now and then
    gc.set_threshold(_GC_THRESHOLD)


if __name__ == "__main__":
    main()
