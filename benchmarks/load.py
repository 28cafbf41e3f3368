"""Many clients at once, in a process of their own: `python -m benchmarks.load` (started by benchmarks.throughput).

Plain asyncio stubs on uvloop, a connection for each client, an ask and a tell in turn.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import grpc
import uvloop

from asktell.v1 import trial_service_pb2_grpc
from benchmarks.wire import DEADLINE_S, ask_request, tell_request


@dataclass(slots=True, kw_only=True)
class Load:
    """What the clients saw in the measured time."""

    cycles: int = 0
    seconds: float = 0.0
    ask_s: list[float] = field(default_factory=list)
    tell_s: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    """Processor seconds of the clients."""


async def drive(address: str, studies: list[str], *, clients: int, warm_up_s: float, seconds: float) -> Load:
    """Runs the clients, each on the next of the studies in turn; what ends after the warm-up counts."""
    load = Load()
    begin = time.perf_counter() + warm_up_s
    await asyncio.gather(
        *(_client(address, studies[i % len(studies)], load, begin=begin, end=begin + seconds) for i in range(clients))
    )
    load.seconds = time.perf_counter() - begin
    load.cpu_s = time.process_time()
    return load


async def _client(address: str, study: str, load: Load, *, begin: float, end: float) -> None:
    # Without a pool of its own every channel to one address would share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = trial_service_pb2_grpc.TrialServiceStub(channel)
        while (start := time.perf_counter()) < end:
            try:
                trial = (await stub.Ask(ask_request(study), timeout=DEADLINE_S)).trials[0]
                asked = time.perf_counter()
                await stub.Tell(tell_request(trial, trial.number / 1e6), timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                load.errors[code] = load.errors.get(code, 0) + 1
                continue
            told = time.perf_counter()
            if told >= begin:
                load.cycles += 1
                load.ask_s.append(asked - start)
                load.tell_s.append(told - asked)


def main() -> None:
    """Takes a file for the result and the arguments of `drive`, as JSON both."""
    output, arguments = Path(sys.argv[1]), json.loads(sys.argv[2])
    output.write_text(json.dumps(asdict(uvloop.run(drive(**arguments)))))


if __name__ == "__main__":
    main()
