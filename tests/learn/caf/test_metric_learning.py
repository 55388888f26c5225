"""Margins in the losses of pytorch-metric-learning: equal to a fixed margin computed by hand."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ArcFaceLoss, ContrastiveLoss, MarginLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from torch import Tensor, nn
from torch.nn.functional import normalize

from mien.learn.caf.margin import AdaptiveMargin, ConstantMargin, LinearMargin, Margin, ReleasedMargin
from mien.learn.caf.metric_learning import WithMargin

LOSSES: dict[str, Callable[..., nn.Module]] = {
    "contrastive": lambda **margin: ContrastiveLoss(neg_margin=margin.get("margin", 1.0)),
    "triplet": lambda **margin: TripletMarginLoss(**margin),
    "margin": lambda **margin: MarginLoss(**margin),
}


def batch(seed: int = 0, classes: int = 3, n: int = 18) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    embeddings = torch.randn(n, 5, generator=generator) + labels[:, None]
    return embeddings, labels


def by_hand(embeddings: Tensor, labels: Tensor, margin: Margin, classes: list[int], epoch: int = 0) -> float:
    unit = normalize(embeddings)
    found = [margin.between(unit[labels == c], unit[labels != c], epoch).mean().item() for c in classes]
    return sum(found) / len(found)


def value_and_gradient(loss: nn.Module, embeddings: Tensor, *rest: Tensor) -> tuple[float, Tensor]:
    embeddings = embeddings.clone().requires_grad_()
    value = loss(embeddings, *rest)
    return value.item(), torch.autograd.grad(value, embeddings)[0]


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("margin", [AdaptiveMargin(), ReleasedMargin()], ids=["adaptive", "released"])
@pytest.mark.parametrize(("classes", "strong"), [(3, [0, 1, 2]), (2, [1])])
def test_equals_the_loss_with_a_fixed_margin(
    make: Callable[..., nn.Module], margin: Margin, classes: int, strong: list[int]
) -> None:
    embeddings, labels = batch(classes=classes)
    fixed = make(margin=by_hand(embeddings, labels, margin, strong))
    value, gradient = value_and_gradient(WithMargin(make(), margin), embeddings, labels)
    expected, expected_gradient = value_and_gradient(fixed, embeddings, labels)
    assert value == pytest.approx(expected)
    assert value != pytest.approx(value_and_gradient(make(), embeddings, labels)[0])
    torch.testing.assert_close(gradient, expected_gradient)


def test_each_batch_has_its_own_margin() -> None:
    loss = ContrastiveLoss()
    adaptive = WithMargin(loss, AdaptiveMargin())
    found = []
    for seed in range(3):
        embeddings, labels = batch(seed)
        adaptive(embeddings, labels)
        found.append(loss.neg_margin)
        assert loss.neg_margin == pytest.approx(by_hand(embeddings, labels, AdaptiveMargin(), [0, 1, 2]))
    assert len(set(found)) == 3


def test_groups_may_be_given_as_labels() -> None:
    embeddings, labels = batch(classes=2)
    loss = WithMargin(TripletMarginLoss(), ReleasedMargin())
    assert loss(embeddings, labels == 1).item() == pytest.approx(loss(embeddings, labels).item())
    swapped = by_hand(embeddings, 1 - labels, ReleasedMargin(), [1])
    assert loss.loss.margin != pytest.approx(swapped)  # this margin depends on which group is strong


def test_a_class_of_one_sample_has_no_margin_of_its_own() -> None:
    embeddings, labels = batch()
    labels[0], labels[labels == 2] = 7, 1
    loss = WithMargin(MarginLoss(), ReleasedMargin())
    loss(embeddings, labels)
    assert loss.loss.margin == pytest.approx(by_hand(embeddings, labels, ReleasedMargin(), [0, 1]))


def test_with_two_classes_the_one_with_several_samples_is_strong() -> None:
    embeddings, labels = batch(classes=2, n=2 * 5)
    labels[:] = 0
    labels[0] = 1
    loss = WithMargin(TripletMarginLoss(), ReleasedMargin())
    loss(embeddings, labels)
    assert loss.loss.margin == pytest.approx(by_hand(embeddings, labels, ReleasedMargin(), [0]))


@pytest.mark.parametrize("labels", [[1] * 6, [0, 1, 2, 3, 4, 5]])
def test_without_two_groups_the_loss_keeps_its_own_margin(labels: list[int]) -> None:
    embeddings, _ = batch(n=6)
    loss = WithMargin(ContrastiveLoss(neg_margin=0.3), AdaptiveMargin())
    loss(*batch())
    assert loss.loss.neg_margin != 0.3
    given = torch.tensor(labels)
    assert loss(embeddings, given).item() == pytest.approx(ContrastiveLoss(neg_margin=0.3)(embeddings, given).item())
    assert loss.loss.neg_margin == 0.3


def test_epoch_pairs_and_scale_are_used() -> None:
    embeddings, labels = batch()
    hard = BatchHardMiner()(embeddings, labels)
    loss = WithMargin(TripletMarginLoss(), LinearMargin(0.1, 0.01), scale=0.5)
    value = loss(embeddings, labels, hard, epoch=20)
    assert value.item() == pytest.approx(TripletMarginLoss(margin=0.15)(embeddings, labels, hard).item())


def test_the_margin_uses_the_embeddings_as_compared() -> None:
    embeddings, labels = batch()
    lengths = torch.linspace(0.1, 10, len(embeddings))[:, None]
    margins = []
    for distance in (LpDistance(), LpDistance(normalize_embeddings=False)):
        loss = WithMargin(ContrastiveLoss(distance=distance), AdaptiveMargin())
        for given in (embeddings, lengths * embeddings):
            loss(given, labels)
            margins.append(loss.loss.neg_margin)
    assert margins[0] == pytest.approx(margins[1])
    assert margins[2] != pytest.approx(margins[3])


def test_squared_distances_have_the_unit_of_the_paper() -> None:
    """A pair of two classes has a gradient where D^2, not D, is below alpha."""
    embeddings = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])  # the third is at D = sqrt(2) from the first
    labels = torch.tensor([1, 1, 0])
    for alpha, pulls in ((1.5, False), (2.5, True)):
        loss = WithMargin(ContrastiveLoss(distance=LpDistance(power=2)), ConstantMargin(alpha))
        _, gradient = value_and_gradient(loss, embeddings, labels)
        assert bool((gradient[2] != 0).any()) is pulls


def test_other_losses_are_rejected() -> None:
    with pytest.raises(TypeError, match="ArcFaceLoss has no margin that can be set per batch; use ContrastiveLoss, "):
        WithMargin(ArcFaceLoss(3, 5), AdaptiveMargin())
    with pytest.raises(ValueError, match="scale must be above 0"):
        WithMargin(ContrastiveLoss(), AdaptiveMargin(), scale=0.0)


def test_caf_does_not_need_the_extra() -> None:
    code = "import sys; sys.modules['pytorch_metric_learning'] = None; import mien.learn.caf"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
