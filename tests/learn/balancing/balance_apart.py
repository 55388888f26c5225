"""Train with each balancer as one of several processes: ``balance_apart.py RANK WORLD STORE RESULT``."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mien.learn.balancing import GradNorm, GramianWeights, MgdaUb, UncertaintyWeighting

STEPS, ROWS, TERMS = 6, 8, ("a", "b", "c")
BALANCERS: dict[str, Callable[[], Any]] = {
    "MgdaUb": lambda: MgdaUb(normalise="l2"),
    "MgdaUb exact": lambda: MgdaUb(scale="mean", solver="exact"),
    "GradNorm": lambda: GradNorm(rate=0.1),
    "UncertaintyWeighting": lambda: UncertaintyWeighting(("c",), rate=0.1),
    "PCGrad": lambda: GramianWeights("PCGrad"),
    "UPGrad": lambda: GramianWeights("UPGrad"),
    "IMTLG": lambda: GramianWeights("IMTLG"),
    "AlignedMTL": lambda: GramianWeights("AlignedMTL", {"scale_mode": "rmse"}),
}
LABELLED = [
    {"a": [*range(8)], "b": [0, 1, 2, 5], "c": [3, 4, 7]},
    {"a": [0, 1, 6], "b": [4, 5, 7], "c": [0, 1]},  # b on the second rank, c on the first
    {"a": [2, 5, 6, 7], "b": [], "c": [1, 6]},  # b nowhere
    {"a": [7], "b": [*range(8)], "c": [0, 2, 3, 4]},
    {"a": [], "b": [0, 7], "c": []},
    {"a": [0, 4, 5, 6, 7], "b": [1], "c": [2, 3]},
]
"""For each step and term, the rows of the whole batch with labels."""


class Shared(nn.Module):
    """A linear trunk with one head per term."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(5, 4)
        self.heads = nn.ModuleDict({name: nn.Linear(4, 1) for name in TERMS})

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        features = self.trunk(inputs)
        return {"features": features} | {name: head(features).flatten() for name, head in self.heads.items()}


def train(name: str, rows: Sequence[int], world: int, reduce: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    """The weights of each step and the final network of the process that has these rows of each batch."""
    torch.manual_seed(0)
    network, balancer = Shared(), BALANCERS[name]()
    wrapped = nn.parallel.DistributedDataParallel(network) if world > 1 else network
    optimizer = torch.optim.SGD(network.parameters(), 0.05)
    generator, history = torch.Generator().manual_seed(1), []
    for labelled in LABELLED:
        inputs, targets = (torch.randn(shape, generator=generator) for shape in ((ROWS, 5), (len(TERMS), ROWS)))
        outputs = wrapped(inputs[list(rows)])
        means, loss = {}, torch.zeros(())
        for term, scale, target in zip(TERMS, (1.0, 5.0, 0.2), targets, strict=True):
            mask = torch.tensor([float(row in labelled[term]) for row in rows])
            total = (scale * (outputs[term] - target[list(rows)]).square() * mask).sum()
            count = reduce(mask.sum())
            if count > 0:
                means[term] = total * world / count
            else:
                loss = loss + 0.0 * total
        weights = balancer(means, outputs["features"], reduce)
        optimizer.zero_grad()
        (loss + sum(weights[term] * mean for term, mean in means.items())).backward()
        optimizer.step()
        history.append(weights)
    final = torch.cat([value.flatten() for value in network.state_dict().values()]).tolist()
    return {"weights": history, "network": final, "state": balancer.state()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    rank, world = int(sys.argv[1]), int(sys.argv[2])
    torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[3]}", rank=rank, world_size=world)

    def reduce(tensor: Tensor) -> Tensor:
        summed = tensor.clone()
        torch.distributed.all_reduce(summed)
        return summed

    half = range(rank * ROWS // world, (rank + 1) * ROWS // world)
    Path(sys.argv[4]).write_text(json.dumps({name: train(name, half, world, reduce) for name in BALANCERS}))
    torch.distributed.destroy_process_group()
