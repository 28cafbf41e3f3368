"""A worker process: answers tasks from its standard input on its standard output, one at a time, until that closes.

Started by `pool.py` as `python -P -m asktell_server.engine.worker PARENT_PID`. A message is its length (8 bytes,
big endian) and a pickle; the first answer, after torch has been imported and a suggestion of each kind of model has
been made, says that the worker is warm.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import pickle
import signal
import struct
import sys
import warnings
from typing import BinaryIO

from asktell_server.engine.problem import Assessment, AssessTask, SuggestResult, SuggestTask
from asktell_server.engine.suggest import suggest

HEADER = struct.Struct(">Q")
_PR_SET_PDEATHSIG = 1
_GC_THRESHOLD = 50_000
"""New objects before cycles are looked for: a task of 10,000 observations is read without."""


def main() -> None:
    """Serves until the parent closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group and is the server's business
    _die_with(int(sys.argv[1]))
    requests, replies = _take_pipes()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s worker %(process)d: %(message)s")
    _warm_up()
    gc.collect()
    gc.freeze()  # torch's quarter of a million objects stay: walking them again would cost an ask 0.1 s now and then
    gc.set_threshold(_GC_THRESHOLD)
    write_message(replies, os.getpid())
    while (task := read_message(requests)) is not None:
        write_message(replies, _answer(task))


def read_message(stream: BinaryIO) -> object | None:
    """The next message; None when the other side has closed the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    body = stream.read(size)
    if len(body) < size:
        return None
    message: object = pickle.loads(body)  # noqa: S301 - the other side is this program's own process
    return message


def write_message(stream: BinaryIO, message: object) -> None:
    """Sends a message."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(body)) + body)
    stream.flush()


def _answer(task: object) -> SuggestResult | Assessment | str:
    """What was asked for, or what went wrong; the pool knows what to do then."""
    try:
        if isinstance(task, AssessTask):
            from asktell_server.engine.bayes.assess import assess  # torch is imported by now

            return assess(task.history)
        assert isinstance(task, SuggestTask)
        return suggest(task)
    except Exception as error:
        logging.getLogger(__name__).exception("a task failed")
        return f"{type(error).__name__}: {error}"


def _die_with(parent: int) -> None:
    """Ends this process when the server's ends, even by kill -9 in the middle of a suggestion."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Elsewhere a busy worker finishes its suggestion first and then finds its standard input closed.
    if os.getppid() != parent:  # it was gone before the line above
        sys.exit(0)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for messages only: whatever a library prints goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return requests, replies


def _warm_up() -> None:
    """Imports torch and walks every path of the model once, so that the first ask is not the slowest."""
    from asktell_server.engine.warm_up import warm_up_tasks

    warnings.simplefilter("ignore")
    for task in warm_up_tasks():
        result = suggest(task)
        if result.fallback_reason:
            raise RuntimeError(f"the model does not work here: {result.fallback_reason}")


if __name__ == "__main__":
    main()
