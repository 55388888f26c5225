"""Coupling losses in your own training loop, on classes and attributes that have nothing to do with faces.

There are four kinds of birds and six attributes. Every training bird is labelled with its kind, but only one in a
hundred with its attributes. A table says which attributes belong to which kind; through it, the labels of the kinds
teach the attributes. The script prints the accuracy of the attributes on held-out birds: without a coupling, with each
of them, and with both.

Co-annotation only adds the label "present" (in the papers, attributes that do not belong to a class stay unlabelled),
so with as few attribute labels as here it does harm on its own; distribution matching also teaches "absent".

    python examples/couplings_in_a_plain_loop.py
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from mien.learn import Coupling

TABLE = torch.tensor(
    [  # webbed feet, long legs, hooked bill, flat bill, crest, small
        [1.0, 0.0, 0.0, 1.0, 0.0, 0.3],  # duck
        [0.0, 1.0, 0.0, 0.0, 0.6, 0.0],  # heron
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # hawk
        [0.0, 0.0, 0.0, 0.0, 0.2, 1.0],  # finch
    ]
)
"""How often each kind has each attribute; invented for this example."""


def birds(count: int, labelled: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make birds of 32 noisy numbers each, their kinds, and their attributes: NaN for those that are not labelled."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(6, 32, generator=torch.Generator().manual_seed(0))  # how each attribute looks
    kinds = torch.randint(4, (count,), generator=generator)
    attributes = torch.bernoulli(TABLE[kinds], generator=generator)
    inputs = attributes @ patterns + 3 * torch.randn(count, 32, generator=generator)
    attributes[torch.rand(count, generator=generator) >= labelled] = torch.nan
    return inputs, kinds, attributes


class Network(nn.Module):
    """Shared features and one linear head per task; any network that returns logits works."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(32, 64), nn.ReLU())
        self.kinds, self.attributes = nn.Linear(64, 4), nn.Linear(64, 6)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(inputs)
        return self.kinds(features), self.attributes(features)


def train(inputs: Tensor, kinds: Tensor, attributes: Tensor, coupling: Coupling) -> Network:
    """An ordinary training loop, with one more line for the coupling."""
    torch.manual_seed(0)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    known = ~attributes.isnan()
    for _ in range(150):
        kind_logits, attribute_logits = network(inputs)
        loss = cross_entropy(kind_logits, kinds)
        loss = loss + binary_cross_entropy_with_logits(attribute_logits[known], attributes[known])
        loss = loss + coupling(kind_logits, attribute_logits, classes=kinds, attributes=attributes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


def accuracy(network: Network, inputs: Tensor, attributes: Tensor) -> float:
    """The share of attributes that are predicted correctly at the threshold 0.5."""
    with torch.inference_mode():
        predicted = network(inputs)[1] > 0
    return float((predicted == (attributes > 0.5)).float().mean())


if __name__ == "__main__":
    train_set = birds(2000, labelled=0.01, seed=1)
    inputs, _, attributes = birds(4000, labelled=1.0, seed=2)
    couplings = {
        "no coupling": Coupling(TABLE, matching=None, co_annotation=None),
        "co-annotation": Coupling(TABLE, matching=None, co_annotation="hard"),
        "soft co-annotation": Coupling(TABLE, matching=None, co_annotation="soft_target"),
        "distribution matching": Coupling(TABLE, matching="kl", co_annotation=None),
        "both": Coupling(TABLE, matching="kl", co_annotation="hard"),
    }
    for name, coupling in couplings.items():
        share = accuracy(train(*train_set, coupling), inputs, attributes)
        print(f"{name}: {100 * share:.1f} % of the attributes correct")
