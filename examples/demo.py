"""What ``make demo`` runs: a server on its embedded store, a real model tuned by two workers, the trial table.

Needs nothing that is running already, and leaves nothing running.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import torch

import asktell
from examples.local_server import LocalServer, local_server, program
from examples.lora_finetune.data import Splits, finetuning_text
from examples.lora_finetune.model import Transformer
from examples.lora_finetune.pretrain import load_base
from examples.lora_finetune.train import FineTuning, Hyperparameters
from examples.lora_finetune.worker import work

STUDY = "lora"
SPACE: asktell.Space = {
    "learning_rate": asktell.Float(1e-4, 1e-1, log=True),
    "batch_size": asktell.Discrete([8, 16, 32, 64]),
    "warmup_steps": asktell.Int(0, 500),
    "lora_rank": asktell.Int(4, 32),
}
"""The space of lora_finetune/study.yaml, where the range of the learning rate is explained."""

INTERRUPTED = 130


def main() -> int:
    """Run the demo. The exit status is 130 after Ctrl-C or SIGTERM, with everything stopped."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        with _directory(options.keep) as directory, local_server(directory) as server:
            _tune(server, trials=options.trials, workers=options.workers)
    except KeyboardInterrupt:
        print("interrupted: the workers and the server are stopped", file=sys.stderr)
        return INTERRUPTED
    _say(f"done in {time.monotonic() - started:.0f} s")
    return 0


def _tune(server: LocalServer, *, trials: int, workers: int) -> None:
    torch.set_num_threads(1)  # one core for each training process
    base, text = load_base(), finetuning_text()
    default = _measure(base, text, Hyperparameters())
    _say(f"default settings: validation perplexity {default[0]:.3f}")
    address = server.address()
    with asktell.Client(address) as client:
        study = client.create_study(
            STUDY,
            space=SPACE,
            objectives=asktell.Minimize("perplexity"),
            metrics=[asktell.Metric("test_perplexity", split="test")],
            max_trials=trials,
            seed=1,
        )
        _say(f"tuning: {trials} trials, {workers} workers, server at {address}")
        _run_workers(address, workers)
        try:
            best = study.best_trial
        except asktell.NoResult:
            raise SystemExit("no trial succeeded") from None
        # Only now that the choice is made is the test split looked at; it is kept with the trial, never optimised.
        tuned = _measure(base, text, Hyperparameters.from_params(best.params))
        best.amend({**best.metrics, "test_perplexity": tuned[1]}, reason="test split of the final choice")
        subprocess.run(
            [program("asktell"), "trials", STUDY, "--no-pager"],
            env={**os.environ, "ASKTELL_ADDRESS": address},
            check=True,
        )
    _say(f"{'perplexity per character':<26}{'validation':>12}{'test':>10}")
    _say(f"{'default settings':<26}{default[0]:>12.3f}{default[1]:>10.3f}")
    _say(f"{f'best, trial {best.number}':<26}{tuned[0]:>12.3f}{tuned[1]:>10.3f}")


def _measure(base: Transformer, text: Splits, params: Hyperparameters) -> tuple[float, float]:
    """Validation and test perplexity of one configuration."""
    run = FineTuning(base, text, params)
    *_, last = run
    return last.perplexity, run.test_perplexity()


def _run_workers(address: str, count: int) -> None:
    """Run workers until the study is complete; on Ctrl-C they give their trials back first."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    workers = [spawn.Process(target=work, args=(address, STUDY, stop.is_set)) for _ in range(count)]
    # A terminal sends Ctrl-C to every process. Only this one handles it: workers inherit that it is ignored.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGINT, handler)
    try:
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        _say("stopping: the workers give their trials back")
        raise
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit("a worker failed; its error is above")


def _directory(keep: pathlib.Path | None) -> contextlib.AbstractContextManager[str | pathlib.Path]:
    """The directory to keep, or one that goes away at the end."""
    if keep is None:
        return tempfile.TemporaryDirectory(prefix="asktell-demo-")
    keep.mkdir(parents=True, exist_ok=True)
    return contextlib.nullcontext(keep)


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--trials", type=int, default=20, help="trials of the study (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="training processes, a core each (default: %(default)s)")
    parser.add_argument(
        "--keep", type=pathlib.Path, metavar="DIR", help="keep the store and the server's log there (default: discard)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
