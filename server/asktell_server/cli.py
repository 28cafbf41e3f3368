"""Command line of the server: `asktell-server serve | katib | health | explain | reindex | store`."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from asktell_server import __version__
from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.domain.names import parse_trial_argument
from asktell_server.exposure import INSECURE_FLAG, refusal, warning
from asktell_server.settings import DEFAULT_LISTEN, DRAIN_TIMEOUT_S, MAX_CALLS, Settings, default_workers
from asktell_server.store_commands import store
from asktell_server.transport.addresses import HTTP_HOST_FLAG

T = TypeVar("T")

KATIB_LISTEN = ":6789"
"""Where Katib expects a suggestion service."""

log = logging.getLogger(__name__)

_PEM = click.Path(dir_okay=False, exists=True, path_type=Path)

GC_THRESHOLD = 10_000
"""New containers after which the youngest are looked through; Python's 700 are one call's worth."""

SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep the interpreter while the event loop waits for it. A call takes about ten turns of the loop, and with
Python's 5 ms it would wait 50 while a thread is at work."""

SERVE_HELP = """Serve asktell over gRPC.

Without --store a Valkey server is started in a data directory of this user: nothing else is needed, and nothing
acknowledged is lost when a process dies. With --store any number of servers share one Redis or Valkey.

\b
Examples:
  asktell-server serve
  asktell-server serve --data-dir ./studies --listen 127.0.0.1:50051 --http 127.0.0.1:8080
  asktell-server serve --store redis://db:6379/0 --listen 0.0.0.0:50051 --tls-cert cert.pem --tls-key key.pem
  asktell-server serve --store sentinel://s1:26379,s2:26379/asktell --wait-replicas 1
  asktell-server serve --store cluster://n1:6379,n2:6379
  asktell-server serve --stateless

\b
Environment (secrets never go on the command line):
  ASKTELL_TOKEN            clients must send this token
  ASKTELL_STORE_PASSWORD   password of the store

Where other machines can reach it, the server wants TLS and a token, or certificates of its callers; otherwise it does not start and says what to do.

The store must keep what it acknowledges: maxmemory-policy noeviction, appendonly yes, appendfsync always, and the
role of a master. Otherwise the server refuses to serve and says which setting to change.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="asktell-server")
def main() -> None:
    """Ask/tell hyperparameter tuning as a service."""


class _KeepsArguments(click.Command):
    """Keeps its arguments as they were given, for messages that repeat them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


_ARGUMENTS = f"{__name__}.arguments"


@main.command(cls=_KeepsArguments, help=SERVE_HELP)
@click.option("--listen", metavar="HOST:PORT", default=DEFAULT_LISTEN, show_default=True, help="Port 0 = any free one.")
@click.option("--http", metavar="HOST:PORT", help="Serve HTTP/JSON (Connect) here as well, e.g. 127.0.0.1:8080.")
@click.option(
    HTTP_HOST_FLAG,
    "http_hosts",
    metavar="NAME",
    multiple=True,
    help="A name by which browsers and proxies reach --http, besides localhost and IP addresses. Repeatable.",
)
@click.option(
    "--store",
    "store_url",
    metavar="URL",
    envvar="ASKTELL_STORE",
    help="redis:// rediss:// unix:// sentinel:// cluster://",
)
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Data of the embedded store.")
@click.option("--stateless", is_flag=True, help="No store: serve SuggestionService alone.")
@click.option(
    "--wait-replicas",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="A change is acknowledged only when N replicas have it.",
)
@click.option("--unverified-durability", is_flag=True, help="Serve on a store that may lose acknowledged results.")
@click.option(
    "--workers", type=click.IntRange(1), default=None, metavar="N", help="Model processes. [default: cores - 1]"
)
@click.option("--tls-cert", type=_PEM, help="Certificate chain, PEM.")
@click.option("--tls-key", type=_PEM, help="Private key, PEM.")
@click.option(
    "--tls-client-ca",
    type=_PEM,
    help="Callers must have a certificate of an authority in this PEM file; stands for the token, or comes on top of it.",
)
@click.option(
    INSECURE_FLAG, is_flag=True, help="Let other machines in without TLS or token: everybody there must be trusted."
)
@click.option(
    "--drain-timeout",
    "drain_timeout_s",
    type=click.FloatRange(0),
    default=DRAIN_TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long a stopping server waits for calls in flight.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(1),
    default=MAX_CALLS,
    show_default=True,
    metavar="N",
    help="Calls in flight at once; at most half of them are streams.",
)
@click.option(
    "--until-eof",
    is_flag=True,
    help="Stop when standard input ends: for a program that starts a server of its own, and may be killed.",
)
@click.option(
    "--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the address here once ready."
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def serve(
    *,
    listen: str,
    http: str | None,
    http_hosts: tuple[str, ...],
    store_url: str | None,
    data_dir: Path | None,
    stateless: bool,
    wait_replicas: int,
    unverified_durability: bool,
    workers: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    drain_timeout_s: float,
    max_calls: int,
    ready_file: Path | None,
    log_level: str,
    insecure: bool,
    until_eof: bool,
) -> None:
    """Checks the flags against each other and runs the server."""
    _check_address("--listen", listen)
    if http is not None:
        _check_address("--http", http)
    for name in http_hosts:
        if http is None:
            raise click.UsageError(f"{HTTP_HOST_FLAG} needs --http")
        if not name or set(name) & set("/:@*"):
            raise click.UsageError(f"{HTTP_HOST_FLAG} must be a name without scheme and port, got {name!r}")
    if sum((store_url is not None, data_dir is not None, stateless)) > 1:
        raise click.UsageError("--store, --data-dir and --stateless exclude each other")
    _check_pair(tls_cert, tls_key)
    if tls_client_ca is not None and tls_cert is None:
        raise click.UsageError("--tls-client-ca needs --tls-cert and --tls-key")
    settings = Settings(
        listen=listen,
        http=http,
        http_hosts=http_hosts,
        store_url=store_url,
        store_password=os.environ.get("ASKTELL_STORE_PASSWORD") or None,
        data_dir=data_dir,
        stateless=stateless,
        wait_replicas=wait_replicas,
        verify_durability=not unverified_durability,
        workers=workers or default_workers(),
        token=os.environ.get("ASKTELL_TOKEN") or None,
        tls_certificate=tls_cert,
        tls_private_key=tls_key,
        tls_client_ca=tls_client_ca,
        ready_file=ready_file,
        drain_timeout_s=drain_timeout_s,
        max_calls=max_calls,
        insecure=insecure,
    )
    if (why := refusal(settings, click.get_current_context().meta[_ARGUMENTS])) is not None:
        raise click.UsageError(why)
    _configure_logging(log_level)
    if (open_to_all := warning(settings)) is not None:
        log.warning(open_to_all)
    if until_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    _run(settings)


KATIB_HELP = """Serve Katib's suggestion service (api.v1.beta1.Suggestion).

Katib calls it for experiments whose algorithm is asktell, bayesianoptimization, tpe, multivariate-tpe, cmaes, random, grid or
sobol, once its katib-config names this image. Problem and history come with every call, so there is no store, and any number of
copies may run. Katib calls without TLS and without a token; nothing is kept that others could read.

\b
Examples:
  asktell-server katib
  asktell-server katib --listen 127.0.0.1:6789 --workers 2
"""


@main.command(help=KATIB_HELP)
@click.option(
    "--listen", metavar="[HOST]:PORT", default=KATIB_LISTEN, show_default=True, help="Without HOST: all addresses."
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, metavar="N", help="Model processes. [default: cores - 1]"
)
@click.option(
    "--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the address here once ready."
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def katib(*, listen: str, workers: int | None, ready_file: Path | None, log_level: str) -> None:
    """Runs a server that speaks Katib's protocol."""
    address = f"0.0.0.0{listen}" if listen.startswith(":") else listen  # noqa: S104  # Katib's controller is elsewhere
    _check_address("--listen", address)
    _configure_logging(log_level)
    settings = Settings(listen=address, stateless=True, workers=workers or default_workers(), ready_file=ready_file)
    _run(settings, "asktell_server.protocols.katib.contract")


@main.command()
@click.argument("address", default=DEFAULT_LISTEN)
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1), default=5.0, show_default=True, metavar="SECONDS")
@click.option(
    "--tls-ca", type=_PEM, envvar="ASKTELL_TLS_CA", help="Encrypt, and trust the authorities of this PEM file."
)
@click.option(
    "--tls-cert", type=_PEM, envvar="ASKTELL_TLS_CERT", help="Certificate, where the server has --tls-client-ca."
)
@click.option("--tls-key", type=_PEM, envvar="ASKTELL_TLS_KEY", help="Its private key.")
def health(address: str, timeout_s: float, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Ask the server at ADDRESS whether it serves; exit 0 if so, 1 if not. It needs no token.

    The name in ADDRESS must be one of the server's certificate. The files may also be named by ASKTELL_TLS_CA,
    ASKTELL_TLS_CERT and ASKTELL_TLS_KEY.

    \b
    Examples (container health check):
      asktell-server health 127.0.0.1:50051
      asktell-server health localhost:50051 --tls-ca ca.pem
    """
    from asktell_server.transport.health_probe import probe  # grpc is needed here alone

    if tls_ca is None and (tls_cert or tls_key):
        raise click.UsageError("--tls-cert and --tls-key need --tls-ca")
    _check_pair(tls_cert, tls_key)
    status = probe(address, timeout_s=timeout_s, tls_ca=tls_ca, certificate=tls_cert, private_key=tls_key)
    click.echo(status)
    sys.exit(0 if status == "SERVING" else 1)


EXPLAIN_HELP = """Say why TRIAL was suggested: what the engine knew and believed, and what came of it.

TRIAL is STUDY/NUMBER in the default project, or projects/PROJECT/studies/STUDY/trials/NUMBER. All of it is read from the
study's ledger, and nothing is written; a server may run on the same data. At the end the engine gets the same task once
more, in this process, and the answers are compared.

\b
Examples:
  asktell-server explain lora/17
  asktell-server explain lora/17 --data-dir ./studies --no-repeat
  asktell-server explain projects/vision/studies/resnet/trials/3 --store redis://db:6379/0 --json

\b
What the lines mean:
  log EI           log of the expected improvement that the search maximised
  length scales    the most important parameter first; 1 = the whole range of a parameter
  reproduced       whether the engine suggests the same now
"""


@main.command(help=EXPLAIN_HELP)
@click.argument("trial")
@click.option("--store", "store_url", metavar="URL", envvar="ASKTELL_STORE", help="As for serve.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Data of the embedded store.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; what is not known is null.")
@click.option("--repeat/--no-repeat", default=True, show_default=True, help="Suggest once more and compare.")
def explain(*, trial: str, store_url: str | None, data_dir: Path | None, as_json: bool, repeat: bool) -> None:
    """Explains a trial."""
    from asktell_server import explanation
    from asktell_server.app import explain as explain_trial

    if store_url is not None and data_dir is not None:
        raise click.UsageError("--store and --data-dir exclude each other")
    try:
        name = parse_trial_argument(trial, field="TRIAL")
    except InvalidArgument as error:
        raise click.UsageError(str(error)) from None
    password = os.environ.get("ASKTELL_STORE_PASSWORD") or None
    explained = _complete(explain_trial(name, store_url=store_url, data_dir=data_dir, password=password, repeat=repeat))
    click.echo(json.dumps(explanation.as_json(explained)) if as_json else explanation.as_text(explained))


@main.command()
@click.option("--store", "store_url", metavar="URL", envvar="ASKTELL_STORE", required=True, help="As for serve.")
def reindex(store_url: str) -> None:
    """Rebuild the index of studies from the studies themselves (after a restore of parts of a store)."""
    from asktell_server.app import rebuild_index

    password = os.environ.get("ASKTELL_STORE_PASSWORD") or None
    count = _complete(rebuild_index(store_url, password=password))
    click.echo(f"{count} studies indexed")


main.add_command(store)


def _run(settings: Settings, contract: str = "asktell_server.protocols.asktell_v1.contract") -> None:
    """Serves; `contract` is the module of the protocol's services."""
    # What grpc would print about a port in use is said better, and once, by our own message.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from asktell_server.app import serve as serve_app  # heavy: after the flags are known to be right

    _calm_garbage_collection()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _complete(serve_app(settings, importlib.import_module(contract).services))


def _stop_at_eof() -> None:
    """As SIGTERM does, once whoever holds the other end of standard input has closed it or is gone."""
    with contextlib.suppress(OSError):  # closed from the beginning
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _calm_garbage_collection() -> None:
    """Leaves out what was imported and looks less often: an eighth of a busy server's time went into it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 10, 10)


def _complete(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`; what keeps it from starting is told in a sentence, not in a traceback."""
    from asktell_server.starting import StartError

    try:
        return uvloop.run(work)
    except (AsktellError, StartError) as error:
        raise click.ClickException(str(error)) from None


def _check_address(option: str, address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"{option} must be HOST:PORT, got {address!r}")


def _check_pair(tls_cert: Path | None, tls_key: Path | None) -> None:
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")


def _configure_logging(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("grpc", "asyncio"):  # at debug level grpc writes a line for every poll
        logging.getLogger(noisy).setLevel(max(logging.INFO, logging.getLogger().level))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # starts and stops are told by our own lines


if __name__ == "__main__":
    main()
