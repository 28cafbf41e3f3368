"""A small GPT, and LoRA adapters for it (Hu et al., 2021, arXiv:2106.09685)."""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional

from examples.lora_finetune.data import CONTEXT, VOCABULARY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size of the transformer; the default has about 260,000 weights."""

    layers: int = 3
    heads: int = 4
    width: int = 80


class Block(nn.Module):
    """Pre-norm causal self-attention and a two-layer perceptron, each with a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp_in = nn.Linear(width, 4 * width)
        self.mlp_out = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.attention_in(self.attention_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width))
        hidden = functional.gelu(self.mlp_in(self.mlp_norm(x)), approximate="tanh")
        out: torch.Tensor = x + self.mlp_out(hidden)
        return out


class Transformer(nn.Module):
    """Character codes (batch, length) to the logits of each next character (batch, length, VOCABULARY)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.characters = nn.Embedding(VOCABULARY, shape.width)
        self.positions = nn.Embedding(CONTEXT, shape.width)
        self.blocks = nn.Sequential(*(Block(shape) for _ in range(shape.layers)))
        self.norm = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, VOCABULARY, bias=False)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        places = torch.arange(codes.shape[1], device=codes.device)
        x = self.characters(codes) + self.positions(places)
        logits: torch.Tensor = self.head(self.norm(self.blocks(x)))
        return logits

    def loss(self, windows: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy in nats per character of windows (batch, length + 1); a scalar."""
        logits = self(windows[:, :-1])
        return functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


class LoraLinear(nn.Module):
    """A frozen linear layer plus a trained update of low rank, scaled by ``ALPHA / rank`` as in the paper."""

    ALPHA = 16.0

    def __init__(self, base: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = self.ALPHA / rank
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5), generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        update = functional.linear(functional.linear(x, self.down), self.up)
        return torch.add(self.base(x), update, alpha=self.scale)


def add_lora(model: Transformer, rank: int, generator: torch.Generator) -> list[nn.Parameter]:
    """Freeze `model`, adapt every projection of every block in place, and return the weights to train.

    The adapters start at zero effect: the adapted model is the base model until it is trained.
    """
    model.requires_grad_(False)
    for block in model.blocks:
        for name, layer in list(block.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(block, name, LoraLinear(layer, rank, generator))
    return [weight for weight in model.parameters() if weight.requires_grad]
