"""Train one configuration: ``python -m examples.lora_finetune --learning-rate 3e-3 --lora-rank 8``.

Prints JSON lines as ``asktell run`` reads them: objects with "step" are intermediate, the last one is the result.
Without flags it measures the default settings.
"""

import argparse
import json
import pathlib
import sys

import torch

from examples.lora_finetune.data import finetuning_text
from examples.lora_finetune.pretrain import load_base
from examples.lora_finetune.train import Diverged, FineTuning, Hyperparameters


def main(arguments: list[str] | None = None) -> int:
    """Train one configuration and print its metrics; 0 on success, 1 if it diverged."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)  # workers run side by side: one core each
    params = Hyperparameters(
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        warmup_steps=options.warmup_steps,
        lora_rank=options.lora_rank,
    )
    run = FineTuning(load_base(options.checkpoint), finetuning_text(), params, seed=options.seed)
    try:
        for progress in run:
            _print({"step": progress.examples, "perplexity": progress.perplexity})
    except Diverged as error:
        print(error, file=sys.stderr)
        return 1
    result = {"perplexity": progress.perplexity}
    if options.test:
        result["test_perplexity"] = run.test_perplexity()
    _print(result)
    return 0


def _parser() -> argparse.ArgumentParser:
    default = Hyperparameters()
    parser = argparse.ArgumentParser(prog="python -m examples.lora_finetune", description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate, help="peak of the schedule")
    parser.add_argument("--batch-size", type=int, default=default.batch_size, help="windows of text a step")
    parser.add_argument("--warmup-steps", type=int, default=default.warmup_steps, help="of a run of 1,000 steps")
    parser.add_argument("--lora-rank", type=int, default=default.lora_rank, help="rank of every adapter")
    parser.add_argument("--seed", type=int, default=0, help="of the adapters and of the order of the text")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="base model (default: in your cache directory)")
    parser.add_argument("--test", action="store_true", help="also measure the test split: for a final choice only")
    return parser


def _print(metrics: dict[str, float]) -> None:
    print(json.dumps(metrics), flush=True)


if __name__ == "__main__":
    sys.exit(main())
