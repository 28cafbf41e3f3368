"""How a server sets up the interpreter before it serves."""

from __future__ import annotations

import subprocess
import sys

from asktell_server.cli import GC_THRESHOLD, SWITCH_INTERVAL_S
from asktell_server.pace import PIECE_S

PROGRAM = """
import gc, sys
from asktell_server import app, cli

async def serve(settings, services_of):
    print(sys.getswitchinterval(), gc.get_threshold()[0], gc.get_freeze_count() > 0)

app.serve = serve
cli.main(["serve", "--stateless"], standalone_mode=False)
"""


def test_a_thread_gives_way_to_the_loop_as_soon_as_work_of_the_loop_does() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(SWITCH_INTERVAL_S), str(GC_THRESHOLD), "True"]
    assert SWITCH_INTERVAL_S == PIECE_S
