"""A worker of a study: all that a training program needs to be tuned through the Python client."""

import dataclasses
from collections.abc import Callable

import torch

import asktell
from examples.lora_finetune.data import Splits, finetuning_text
from examples.lora_finetune.model import Transformer
from examples.lora_finetune.pretrain import load_base
from examples.lora_finetune.train import Diverged, FineTuning, Hyperparameters


def work(address: str, study_name: str, stopping: Callable[[], bool]) -> None:
    """Train the trials of a study until it is complete, or until `stopping` says so; print each result."""
    torch.set_num_threads(1)  # workers run side by side: one core each
    base, text = load_base(), finetuning_text()
    with asktell.Client(address) as client:
        study = client.study(study_name)
        while not stopping():
            try:
                trial = study.ask()
            except asktell.StudyComplete:
                return
            _train(trial, base, text, stopping)


def _train(trial: asktell.Trial, base: Transformer, text: Splits, stopping: Callable[[], bool]) -> None:
    params = Hyperparameters.from_params(trial.params)
    try:
        for progress in FineTuning(base, text, params):
            trial.report(step=progress.examples, perplexity=progress.perplexity)
            if stopping():
                trial.release()  # whoever asks next trains this very configuration
                return
            if trial.should_stop:
                trial.stop()
                return
    except Diverged as error:
        trial.fail(str(error))
        return
    trial.tell(perplexity=progress.perplexity)
    settings = "  ".join(f"{name} {value:<8.4g}" for name, value in dataclasses.asdict(params).items())
    print(f"trial {trial.number:>3}  perplexity {progress.perplexity:7.3f}   {settings}", flush=True)
