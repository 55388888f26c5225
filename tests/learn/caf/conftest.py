"""Feature vectors with valence and arousal, the recipe of a small network that learns them against a critic; and
critics alone: their training on two known distributions, and outputs that are hard to differentiate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.caf.critic import Critic
from mien.tasks import AFFECT, EXPRESSION

WIDTH = 6
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]

HARD = {
    "nought": (torch.zeros(4, 3), torch.zeros(3, 3)),
    "constant": (torch.ones(4, 3), torch.ones(3, 3)),
    "few": (torch.tensor([[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]]), torch.tensor([[-0.7, 0.8, 0.9]])),
    "one_in_common": (torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]), torch.tensor([[1.0, 2.0, 3.0]])),
    "wide": tuple(5 * torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(0))),
    "huge": (torch.full((3, 3), 1e6), torch.full((2, 3), -1e6)),
}
"""Strong and weak outputs."""


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory, make_set: Callable[..., Path]) -> Path:
    """60 + 20 vectors; valence and arousal are two of their directions; in every sixth row they are not labelled."""
    draw = np.random.default_rng(3)
    points = draw.normal(size=(80, WIDTH)).astype(np.float32)
    rows: list[dict[str, Any]] = []
    for index, point in enumerate(points):
        valence, arousal = np.tanh(0.7 * point[:2]).tolist()
        row = {
            "split": "train" if index < 60 else "valid",
            "subject": str(index % 4),
            "valence": valence,
            "arousal": arousal,
            "expression": "happiness" if valence > 0 else "sadness",
        }
        if index < 60 and index % 6 == 5:
            row |= {"valence": None, "arousal": None}
        elif index < 60 and index % 7 == 6:
            row |= {"arousal": None}
        rows.append(row)
    return make_set(tmp_path_factory.mktemp("vectors"), rows, points, (EXPRESSION, AFFECT))


@pytest.fixture
def caf_recipe(vectors: Path) -> Callable[..., dict[str, Any]]:
    """The data of a recipe; keywords of ``adversarial`` with ``against``, others replace its keys."""

    def make(against: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        adversarial = {"critic": {"ContrastiveCritic": {"dropout": 0.0}}, "optimizer": {"kind": "adam", "rate": 0.01}}
        return {
            "name": "caf",
            "tasks": ["affect"],
            "network": {"ResidualMLP": {"width": 8, "depth": 1}},
            "data": [{"manifest": str(vectors)}],
            "validation": {"manifest": str(vectors), "split": "valid"},
            "batch_size": 20,
            "losses": {"affect": "RmseCorrelation"},
            "adversarial": adversarial | (against or {}),
            "optimizer": {"kind": "adam", "rate": 0.01, "weight_decay": 0, "betas": [0.5, 0.9]},
            "schedule": {"warmup": 0, "decay": "staircase", "every": 4, "factor": 0.5},
            "epochs": 2,
        } | changes

    return make


@pytest.fixture
def train() -> Callable[..., None]:
    """``train(critic, draw, steps, rate)``: the critic descends its own loss on fresh samples of P and Q."""

    def run(critic: Critic, draw: Draw, steps: int, rate: float, n: int = 256) -> None:
        generator = torch.Generator().manual_seed(0)
        optimiser = torch.optim.Adam(critic.parameters(), lr=rate, betas=(0.5, 0.9))
        for _ in range(steps):
            strong, weak = critic(torch.cat(draw(n, generator))).split(n)
            optimiser.zero_grad()
            critic.critic_loss(strong, weak, 0).backward()
            optimiser.step()

    return run


@pytest.fixture(params=HARD)
def hard(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor]:
    strong, weak = HARD[request.param]
    return strong.clone().requires_grad_(), weak.clone().requires_grad_()


@pytest.fixture
def finite() -> Callable[[Critic, Tensor, Tensor], None]:
    """Asserts that both losses of a critic and their gradients are finite."""

    def check(critic: Critic, strong: Tensor, weak: Tensor) -> None:
        for loss in (critic.critic_loss(strong, weak, 0), critic.adversarial_loss(strong, weak)):
            assert loss.ndim == 0
            assert loss.dtype == torch.float32
            assert torch.isfinite(loss)
            for gradient in torch.autograd.grad(loss, (strong, weak), allow_unused=True):
                assert gradient is None or torch.isfinite(gradient).all()

    return check
