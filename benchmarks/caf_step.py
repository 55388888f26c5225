"""Steps per second of CAF, compared with a naive implementation of Algorithm 1 (papers/001).

These are timed alternately, in one run, on the same batches: the trainer's step with two forward passes (``exact``) and
with one (``shared``); and Algorithm 1 line by line: three forward passes, three backward passes, three Adam
optimisers. ``naive`` ignores the gradients that a phase does not need; ``naive, frozen`` does not compute them. The
goal is at least 1.5 times as many steps as ``naive``. Prints a table and writes benchmarks/results/caf_step.json.

    python benchmarks/caf_step.py [--rounds 5] [--batch 32] [--networks ResNet18 AlexNet]
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

from mien.learn.data.pack.single_file import write
from mien.learn.models.network import FEATURES
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import AFFECT

RESULTS = Path(__file__).parent / "results" / "caf_step.json"
GOAL = 1.5
NO_AUGMENTATION = dict.fromkeys(("flip", "rotate", "shift", "scale", "light", "erase"), 0)


def trainer(folder: Path, network: str, batch: int, forward: str) -> Trainer:
    """The trainer to time, without augmentation, which costs the same in all of them."""
    return Trainer.of(
        parse(
            {
                "name": "caf-step",
                "tasks": ["affect"],
                "network": network,
                "data": [{"manifest": str(folder)}],
                "validation": {"manifest": str(folder), "split": "train"},
                "batch_size": batch,
                "augmentation": NO_AUGMENTATION,
                "losses": {"affect": "RmseCorrelation"},
                "adversarial": {"forward": forward},
                "optimizer": {"kind": "adam", "rate": 1e-4, "weight_decay": 0},
            }
        ),
        folder / "run",
    )


def naive(run: Trainer, frozen: bool) -> Callable[[int], None]:
    """A step of Algorithm 1 as printed, with the networks and data of a trainer."""
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
    """The duration of one step."""
    start = time.perf_counter()
    step(number)
    return time.perf_counter() - start


def main() -> None:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--networks", nargs="+", default=["ResNet18", "AlexNet"])
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    labels = generator.uniform(-1, 1, (options.batch * 4, 2))
    crops = generator.integers(0, 256, (len(labels), 112, 112, 3), np.uint8)
    rows = [{"path": str(i), "split": "train", "valence": v, "arousal": a} for i, (v, a) in enumerate(labels.tolist())]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), crops, rows, (AFFECT,), {"source": "noise"})
        for network in options.networks:
            steps: dict[str, Callable[[int], Any]] = {
                forward: trainer(Path(place), network, options.batch, forward).train_step
                for forward in ("exact", "shared")
            }
            for name, frozen in (("naive", False), ("naive, frozen", True)):
                steps[name] = naive(trainer(Path(place), network, options.batch, "exact"), frozen)
            times: dict[str, list[float]] = {name: [] for name in steps}
            for number in range(options.rounds + 1):
                for name, step in steps.items():
                    times[name].append(seconds(step, number))
            middle = {name: median(each[1:]) for name, each in times.items()}  # the first round warms up
            found[network] = {name: middle["naive"] / value for name, value in middle.items()}
            for name, ratio in found[network].items():
                goal = {True: "goal reached", False: "goal missed"}[ratio >= GOAL]
                reached = goal if name in ("exact", "shared") else ""
                print(f"{network:10} {name:14} {ratio:5.2f} x the steps of naive   {reached}".rstrip())
    metadata = {"rounds": options.rounds, "batch": options.batch, "threads": torch.get_num_threads(), "goal": GOAL}
    metadata |= {"torch": torch.__version__, "processor": platform.processor() or platform.machine()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**metadata, "steps_beside_naive": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
