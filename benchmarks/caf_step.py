"""Steps per second of CAF beside a naive implementation of Algorithm 1 (papers/001).

Timed in turns, in one run, on the same batches: the trainer's step with two forward passes (``exact``) and with one
(``shared``); and Algorithm 1 written down line by line: three forward passes, three backward passes, three Adams.
``naive`` freezes by leaving gradients unused; ``naive, frozen`` switches off what a phase does not train. The goal: at
least 1.5 times the steps of ``naive``.

    python benchmarks/caf_step.py [--rounds 5] [--batch 32] [--networks ResNet18 AlexNet]

Prints a table and writes benchmarks/results/caf_step.json.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from mien.learn.data.pack.write import write
from mien.learn.models.network import FEATURES
from mien.learn.recipe.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import AFFECT

RESULTS = Path(__file__).parent / "results" / "caf_step.json"
GOAL = 1.5
STILL = dict.fromkeys(("flip", "rotate", "shift", "scale", "light", "erase"), 0)


def trainer(folder: Path, network: str, batch: int, forward: str) -> Trainer:
    """Of the recipe that is timed; without augmentation, which would cost all alike."""
    return Trainer.of(
        parse(
            {
                "name": "caf-step",
                "tasks": ["affect"],
                "network": network,
                "data": [{"manifest": str(folder)}],
                "validation": {"manifest": str(folder), "split": "train"},
                "batch_size": batch,
                "augmentation": STILL,
                "losses": {"affect": "RmseCorrelation"},
                "adversarial": {"forward": forward},
                "optimizer": {"kind": "adam", "rate": 1e-4, "weight_decay": 0},
            }
        ),
        folder / "run",
    )


def naive(run: Trainer, frozen: bool) -> Callable[[int], None]:
    """Algorithm 1 as it stands there, on the parts of a trainer."""
    network, adversary = run.bare, run.adversary
    assert adversary is not None
    critic, encoder = adversary.critic, adversary.encoder
    heads = list(network.heads.parameters())  # type: ignore[union-attr,operator]
    optimizers = [torch.optim.Adam(each, 1e-4) for each in (critic.parameters(), encoder, [*encoder, *heads])]

    def freeze(*parameters: Any, on: bool) -> None:
        for parameter in parameters if frozen else ():
            parameter.requires_grad_(not on)

    def step(number: int) -> None:
        batch = run.mixing.batch(number)
        strong, weak = adversary.groups(batch)
        network.train()
        freeze(*encoder, *heads, on=True)
        z = critic(network(batch.images)[FEATURES])
        optimizers[0].zero_grad()
        critic.critic_loss(z[strong], z[weak], 0).backward()
        optimizers[0].step()
        freeze(*encoder, on=False)
        freeze(*critic.parameters(), on=True)
        z = critic(network(batch.images)[FEATURES])
        optimizers[1].zero_grad()
        critic.adversarial_loss(z[strong], z[weak]).backward()
        optimizers[1].step()
        freeze(*critic.parameters(), *heads, on=False)
        outputs = network(batch.images)
        optimizers[2].zero_grad()
        run.objective(outputs, batch)[0].backward()
        optimizers[2].step()

    return step


def seconds(step: Callable[[int], Any], number: int) -> float:
    """Of one step."""
    begun = time.perf_counter()
    step(number)
    return time.perf_counter() - begun


def main() -> None:
    """Time, print, and keep."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--networks", nargs="+", default=["ResNet18", "AlexNet"])
    given = options.parse_args()
    draw = np.random.default_rng(0)
    labels = draw.uniform(-1, 1, (given.batch * 4, 2))
    crops = draw.integers(0, 256, (len(labels), 112, 112, 3), np.uint8)
    rows = [{"path": str(i), "split": "train", "valence": v, "arousal": a} for i, (v, a) in enumerate(labels.tolist())]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), crops, rows, (AFFECT,), {"source": "noise"})
        for network in given.networks:
            steps: dict[str, Callable[[int], Any]] = {
                forward: trainer(Path(place), network, given.batch, forward).train_step
                for forward in ("exact", "shared")
            }
            for name, frozen in (("naive", False), ("naive, frozen", True)):
                steps[name] = naive(trainer(Path(place), network, given.batch, "exact"), frozen)
            times: dict[str, list[float]] = {name: [] for name in steps}
            for number in range(given.rounds + 1):
                for name, step in steps.items():
                    times[name].append(seconds(step, number))
            middle = {name: median(each[1:]) for name, each in times.items()}  # the first round warms up
            found[network] = {name: middle["naive"] / value for name, value in middle.items()}
            for name, ratio in found[network].items():
                reached = {True: "reached", False: "missed"}[ratio >= GOAL] if name in ("exact", "shared") else ""
                print(f"{network:10} {name:14} {ratio:5.2f} x the steps of naive   {reached}")
    metadata = {"rounds": given.rounds, "batch": given.batch, "threads": torch.get_num_threads(), "goal": GOAL}
    metadata |= {"torch": torch.__version__, "processor": platform.processor() or platform.machine()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**metadata, "steps_beside_naive": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
