"""Whether refused calls leave memory behind: `python -m benchmarks.refused`, bodies of the largest size, both doors."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import grpc
import psutil

from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES
from tests.support.server import ServerProcess

BODY = b"\x12\0" * (BATCH_BYTES // 2 - 64)
"""Empty observations, as many as fit into the largest request."""
METHOD = "/asktell.v1.SuggestionService/Suggest"
TOKEN = "right"  # of a server for a minute
MIB = 2**20


def start(directory: Path) -> tuple[ServerProcess, str]:
    """A server with a token and both doors, and the address of HTTP."""
    server = ServerProcess(
        directory, stateless=True, arguments=["--http", "127.0.0.1:0"], environment={"ASKTELL_TOKEN": TOKEN}
    )
    return server, server.log().partition("HTTP/JSON on ")[2].split()[0]


def refuse_over_grpc(address: str, *, token: str = "wrong") -> None:
    """One call over gRPC that must be refused."""
    with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call: Any = channel.unary_unary(METHOD)
        try:
            call(BODY, timeout=60, metadata=[("authorization", f"Bearer {token}")])
        except grpc.RpcError as error:
            wanted = grpc.StatusCode.INVALID_ARGUMENT if token == TOKEN else grpc.StatusCode.UNAUTHENTICATED
            if error.code() is wanted:
                return
            raise
    raise RuntimeError("it was not refused")


def refuse_over_http(address: str, *, token: str = "wrong") -> None:
    """One call over HTTP that must be refused."""
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {"content-type": "application/proto", "authorization": f"Bearer {token}"}
    try:
        connection.request("POST", METHOD, BODY, headers)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        return  # refused by its head, and the body was not read
    finally:
        connection.close()
    if status != (400 if token == TOKEN else 401):
        raise RuntimeError(f"status {status}")


def resident_mib(server: ServerProcess) -> float:
    """Resident memory of the server itself."""
    return float(psutil.Process(server.pid).memory_info().rss / MIB)


def measure(server: ServerProcess, refuse: Callable[[], None], calls: int) -> list[float]:
    """Resident memory in MiB before, and after each fifth of the calls."""
    seen = [resident_mib(server)]
    for _ in range(5):
        for _ in range(calls // 5):
            refuse()
        seen.append(resident_mib(server))
    return seen


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", type=click.IntRange(5), default=10_000, show_default=True, help="Of each kind.")
def main(*, calls: int) -> None:
    """Print resident memory before and after each fifth of so many refused calls of the largest size, in MiB.

    \b
    Example:
      python -m benchmarks.refused --calls 1000
    """
    with TemporaryDirectory() as directory:
        server, http_address = start(Path(directory))
        with server:
            for name, refuse in {
                "gRPC, wrong token": lambda: refuse_over_grpc(server.address),
                "HTTP, wrong token": lambda: refuse_over_http(http_address),
                "gRPC, right token, too many items": lambda: refuse_over_grpc(server.address, token=TOKEN),
                "HTTP, right token, too many items": lambda: refuse_over_http(http_address, token=TOKEN),
            }.items():
                click.echo(f"{name}, {calls} calls: ", nl=False)
                click.echo(" ".join(f"{each:.0f}" for each in measure(server, refuse, calls)))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
