"""The coupling losses in a training loop of one's own, on classes and attributes that have nothing to do with faces.

Four kinds of birds, six attributes. Every training bird is labelled with its kind, one in a hundred with its
attributes too. A table says which attributes go with which kind; through it, the labels of the kinds teach the
attributes. Printed is the accuracy of the attributes on a held-out part: without a coupling, with each, with both.

Co-annotation only ever says "present" (the papers leave the attributes that do not belong to a class unlabelled), so
with as few attribute labels as here it does harm alone; distribution matching says "absent" too.

    python examples/couplings_in_a_plain_loop.py
"""

import torch
from torch import nn

from mien.learn.batch import Batch
from mien.learn.losses import CoAnnotation, Coupling, DistributionMatching, supervised
from mien.relatedness import Relatedness
from mien.tasks import Kind, Task

KINDS = Task("kind", Kind.CLASSES, ("duck", "heron", "hawk", "finch"), ("",) * 4)
TRAITS = Task(
    "traits",
    Kind.ATTRIBUTES,
    ("webbed feet", "long legs", "hooked bill", "flat bill", "crest", "small"),
    ("",) * 6,
)
TASKS = (KINDS, TRAITS)

TABLE = Relatedness.from_table(
    KINDS,
    TRAITS,
    prototypical={
        "duck": ("webbed feet", "flat bill"),
        "heron": ("long legs",),
        "hawk": ("hooked bill",),
        "finch": ("small",),
    },
    observational={"duck": {"small": 0.3}, "heron": {"crest": 0.6}, "finch": {"crest": 0.2}},
    source="made up for this example",
)
"""How often each attribute goes with each kind: 1 if prototypical, the share given if observational, else 0."""


def birds(count: int, labelled: float, seed: int) -> Batch:
    """Birds as 32 noisy numbers; a share of them keep the labels of their attributes."""
    draw = torch.Generator().manual_seed(seed)
    look = torch.randn(len(TRAITS), 32, generator=torch.Generator().manual_seed(0))
    kind = torch.randint(len(KINDS), (count,), generator=draw)
    traits = torch.bernoulli(torch.tensor(TABLE.weights, dtype=torch.float32)[kind], generator=draw)
    pictures = traits @ look + 3 * torch.randn(count, 32, generator=draw)
    known = torch.rand(count, 1, generator=draw) < labelled
    return Batch(
        pictures,
        labels={"kind": kind, "traits": traits * known},  # what is not labelled holds 0, and is masked
        mask={"kind": torch.ones(count, dtype=torch.bool), "traits": known.expand(-1, len(TRAITS))},
    )


class Network(nn.Module):
    """Shared features, a linear head a task; any network that returns logits by the task's name will do."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(32, 64), nn.ReLU())
        self.heads = nn.ModuleDict({task.name: nn.Linear(64, len(task)) for task in TASKS})

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.features(pictures)
        return {name: head(features) for name, head in self.heads.items()}


def train(train_set: Batch, couplings: list[Coupling]) -> Network:
    """An ordinary loop: the supervised terms, the couplings' terms, one sum, one backward pass."""
    torch.manual_seed(0)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(150):
        outputs = network(train_set.images)
        terms = supervised(outputs, train_set, TASKS)
        for coupling in couplings:
            terms |= coupling(outputs, train_set, TABLE)
        loss = torch.stack([term.mean() for term in terms.values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


def accuracy(network: Network, held_out: Batch) -> float:
    """Share of the attributes, over all birds, that are told right at the threshold 0.5."""
    with torch.inference_mode():
        guess = network(held_out.images)["traits"] > 0
    return float((guess == (held_out.labels["traits"] > 0.5)).float().mean())


if __name__ == "__main__":
    train_set, held_out = birds(2000, labelled=0.01, seed=1), birds(4000, labelled=1.0, seed=2)
    settings: dict[str, list[Coupling]] = {
        "no coupling": [],
        "co-annotation": [CoAnnotation()],
        "distribution matching": [DistributionMatching()],
        "both": [DistributionMatching(), CoAnnotation()],
    }
    for name, couplings in settings.items():
        print(f"{name}: {100 * accuracy(train(train_set, couplings), held_out):.1f} % of the attributes right")
