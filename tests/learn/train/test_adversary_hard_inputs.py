"""Constant features, groups of one or none, a standard deviation of 5: nothing ever is NaN."""

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from mien.learn import caf
from mien.learn.batch import Batch
from mien.learn.recipe.settings import Adversarial
from mien.learn.train.adversary import Adversary
from mien.learn.train.setup.adversary import Opponent
from mien.tasks import AFFECT

CRITICS = sorted(name for name in caf.__all__ if hasattr(getattr(caf, name), "critic_loss") and name != "Critic")
MARGINS = sorted(name for name in caf.__all__ if hasattr(getattr(caf, name), "between"))


def hard(kind: int, draw: np.random.Generator) -> tuple[Tensor, Batch]:
    """Features and labels that make trouble: constant ones, groups of one or none, a standard deviation of 5."""
    n = int(draw.integers(2, 12))
    features = {
        0: np.full((n, 8), draw.normal()),
        1: draw.normal(0, 5, (n, 8)),
        2: draw.normal(0, 1e-20, (n, 8)),
        3: draw.normal(0, 1, (n, 8)),
        4: np.zeros((n, 8)),
    }[kind % 5]
    labels = draw.uniform(-1, 1, (n, 2))
    strong = int(draw.integers(0, 4))
    labels[:strong], labels[strong:] = np.sign(labels[:strong]), 0.1 * labels[strong:]
    labels[draw.random(n) < 0.1] = np.nan
    values = torch.tensor(labels, dtype=torch.float32)
    batch = Batch(torch.zeros(n, 6), {AFFECT.name: values.nan_to_num()}, {AFFECT.name: ~values.isnan()})
    return torch.tensor(features, dtype=torch.float32).requires_grad_(), batch


def test_ten_thousand_steps_on_hard_inputs_have_no_nan() -> None:
    """Every critic, each margin of the one that has one, with and without bounded outputs."""
    settings = Adversarial.model_validate({"optimizer": {"kind": "adam", "rate": 0.01, "clip": None}})
    made = [("ContrastiveCritic", margin, bound) for margin in MARGINS for bound in ("tanh", "none")]
    made += [(name, "", bound) for name in ("GramNet", "SphereGan") for bound in ("tanh", "none")]
    made += [("FisherGan", "", "")]
    assert sorted({name for name, _, _ in made}) == CRITICS
    draw = np.random.default_rng(0)
    steps = 10_000 // len(made) + 1
    for name, margin, bound in made:
        torch.manual_seed(0)
        given = ({"margin": getattr(caf, margin)()} if margin else {}) | ({"bound": bound} if bound else {})
        critic = getattr(caf, name)(8, **given)
        encoder = nn.Linear(8, 8)
        opponent = Opponent(settings, critic, caf.FixedRadius(0.7), 0.7, AFFECT.name, ())
        run = Adversary(opponent, list(encoder.parameters()), Accelerator())
        for step in range(steps):
            features, batch = hard(step, draw)
            groups = run.groups(batch)
            run.critic_phase(features, groups, step // 100)
            gradients, _ = run.adversarial_phase(encoder(features), groups)
            run._update_encoder(gradients)
        learned = [*critic.parameters(), *encoder.parameters()]
        assert all(torch.isfinite(weight).all() for weight in learned), (name, margin, bound)
