"""Where the command `asktell` begins.

It stands beside the package `asktell`, because importing anything of that one loads gRPC first: an interrupt in this moment
would end in a traceback.
"""

import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Loads the command line and runs it; ends the process with its exit code."""
    # What gRPC would print about a failed handshake, line by line, is said once and in words by our own message.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from asktell.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(_INTERRUPTED)
    command()
