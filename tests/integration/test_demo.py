"""`make demo` end to end: its own server, real workers, the table, and nothing left behind."""

import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run on a machine pre-trains the base model


def _demo(*flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "examples.demo", *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_demo_tunes_a_study_and_prints_its_table() -> None:
    with _demo("--trials", "2", "--workers", "1") as demo:
        out, errors = demo.communicate()
    assert demo.returncode == 0, errors
    assert out.count("★ BEST") == 1
    assert out.count("SUCCEEDED") == 2
    assert "default settings" in out
    assert "best, trial" in out


def test_ctrl_c_stops_the_workers_and_the_server_in_good_order(tmp_path: pathlib.Path) -> None:
    with _demo("--trials", "12", "--workers", "1", "--keep", str(tmp_path)) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("trial ") for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate()
    assert demo.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    assert "stopped" in (tmp_path / "server.log").read_text().splitlines()[-1]
