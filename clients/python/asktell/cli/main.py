"""The root command, and how errors become exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import click

from asktell import __version__
from asktell.cli import wording
from asktell.cli.diff_command import diff
from asktell.cli.explain_command import explain, predict
from asktell.cli.note_command import note
from asktell.cli.number_types import Number
from asktell.cli.output import complain
from asktell.cli.plot_command import plot
from asktell.cli.run_command import run
from asktell.cli.study_commands import study
from asktell.cli.transfer_commands import export, import_
from asktell.cli.trial_commands import best, enqueue, trials
from asktell.cli.watch_command import watch
from asktell.errors import AsktellError, FixedExhausted, InvalidArgument, NotFound, StudyComplete, Unavailable

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_COMPLETE = 4
EXIT_UNAVAILABLE = 5
EXIT_INTERRUPTED = 130

_HELP = """Tune any program: studies, trials and runs on an asktell server.

\b
Examples:
  asktell study create lora.yaml
  asktell run lora --workers 4 -- python train.py --lr {learning_rate}
  asktell trials lora
  asktell best lora --json
  asktell plot lora -o lora.html
  asktell explain lora --html lora.html
  asktell diff lora 3 7

\b
Environment:
  ASKTELL_ADDRESS  host:port of the server, several with commas [default: localhost:50051]
  ASKTELL_TOKEN    token to send, when the server wants one
  ASKTELL_TLS_CA   PEM file of the authority to trust; switches TLS on
  ASKTELL_TLS_CERT, ASKTELL_TLS_KEY   your certificate and its key, for a server with --tls-client-ca
  ASKTELL_WAIT     how many seconds to wait for a server on this machine that is not there yet [default: 2]

\b
Exit codes:
  0    done
  1    an error; of `run` also: stopped because trials failed
  2    wrong usage, or a wrong study file
  3    no such study or trial
  4    the study is complete
  5    no server answers
  130  interrupted (143 by SIGTERM)
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="asktell")
@click.option("--address", metavar="HOST:PORT", help="The server, before ASKTELL_ADDRESS.")
@click.option("--project", metavar="NAME", help="Project of studies named by their id.  [default: default]")
@click.option("--tls", is_flag=True, help="Encrypt, and trust the system's authorities.")
@click.option("--wait", type=Number(0), metavar="SECONDS", help="For a server that is not there yet.  [default: 2]")
@click.pass_context
def cli(context: click.Context, address: str | None, project: str | None, tls: bool, wait: float | None) -> None:
    """Keeps the options of the connection for the command that follows."""
    context.obj = {"address": address, "project": project, "tls": tls, "wait": wait}


for command in (study, trials, best, diff, enqueue, note, import_, export, run, watch, plot, explain, predict):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command line and ends the process with its exit code."""
    sys.exit(exit_code(arguments))


def exit_code(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; what a user did wrong is told in a sentence, never in a traceback."""
    _configure_logging()
    try:
        code = cli.main(args=None if arguments is None else list(arguments), prog_name="asktell", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            command = error.ctx
            click.echo(f"{command.get_usage()}\nTry '{command.command_path} --help' for help.\n", err=True)
        complain(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted", kind="")
        return EXIT_INTERRUPTED
    except AsktellError as error:
        complain(wording.sentence(error))
        return _code(error)
    except BrokenPipeError:  # `asktell trials … | head`
        sys.stdout = None  # or Python complains at exit when it flushes the closed pipe
        return EXIT_ERROR
    except (OSError, ValueError, TypeError) as error:  # a certificate that cannot be read, a malformed address
        complain(wording.mistake(error))
        return EXIT_ERROR
    return code if isinstance(code, int) else 0


def _code(error: AsktellError) -> int:
    if isinstance(error, NotFound):
        return EXIT_NOT_FOUND
    if isinstance(error, StudyComplete | FixedExhausted):
        return EXIT_COMPLETE
    if isinstance(error, Unavailable):
        return EXIT_UNAVAILABLE
    return EXIT_USAGE if isinstance(error, InvalidArgument) else EXIT_ERROR


class _Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage(), kind="warning")


def _configure_logging() -> None:
    logger = logging.getLogger("asktell")
    logger.handlers = [_Complaints(logging.WARNING)]
    logger.propagate = False
    logging.getLogger("asktell.study").disabled = True  # commands show a study's warnings themselves, with their lines
