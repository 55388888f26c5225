"""What holds for every loss and coupling: sums and counts, missing labels, and gradients that stay finite."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import CoAnnotation, DistributionMatching, LossTerm, SoftCoAnnotation, supervised
from mien.learn.losses.coupling import Outputs
from mien.relatedness import DU_2014
from mien.tasks import FACE

SUPERVISED = tuple(task.name for task in FACE)
COUPLINGS = (
    DistributionMatching(),
    DistributionMatching("as_printed", "positive", reweight=False),
    DistributionMatching("soft_target"),
    CoAnnotation(),
    SoftCoAnnotation(),
    SoftCoAnnotation("as_printed", empty="absence"),
    SoftCoAnnotation("kl", reweight=False),
)
Make = Callable[..., Batch]
Logits = Callable[..., dict[str, Tensor]]


def every_term(outputs: Outputs, batch: Batch) -> dict[str, LossTerm]:
    terms = supervised(outputs, batch, FACE)
    for number, coupling in enumerate(COUPLINGS):
        terms |= {f"{number} {name}": term for name, term in coupling(outputs, batch, DU_2014).items()}
    return terms


TERMS = (*SUPERVISED, *(f"{number} {name}" for number, coupling in enumerate(COUPLINGS) for name in coupling.terms))
ADDITIVE = tuple(name for name in TERMS if name != "affect")


def rows(batch: Batch, outputs: Outputs, part: slice) -> tuple[dict[str, Tensor], Batch]:
    shard = Batch(
        batch.images[part],
        {name: labels[part] for name, labels in batch.labels.items()},
        {name: mask[part] for name, mask in batch.mask.items()},
    )
    return {name: logits[part] for name, logits in outputs.items()}, shard


def gradient_of(total: Tensor, outputs: Outputs) -> dict[str, Tensor]:
    found = torch.autograd.grad(total, list(outputs.values()), allow_unused=True, retain_graph=True)
    return {
        name: torch.zeros_like(logits) if gradient is None else gradient
        for (name, logits), gradient in zip(outputs.items(), found, strict=True)
    }


@pytest.mark.parametrize("name", ADDITIVE)
def test_shards_add_up_to_the_whole(name: str, partial_batch: Make, random_outputs: Logits) -> None:
    outputs, batch = random_outputs(3), partial_batch(3)
    whole = every_term(outputs, batch)[name]
    shards = [every_term(*rows(batch, outputs, part))[name] for part in (slice(0, 1), slice(1, 5), slice(5, 12))]
    joined = shards[0] + shards[1] + shards[2]
    assert joined.total.item() == pytest.approx(whole.total.item(), rel=1e-5, abs=1e-6)
    assert joined.count.item() == whole.count.item()
    assert joined.mean().item() == pytest.approx(whole.mean().item(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", SUPERVISED)
def test_unlabelled_rows_change_neither_loss_nor_gradient(
    name: str, columns: Callable[..., dict[str, np.ndarray]], partial_batch: Make, random_outputs: Logits
) -> None:
    given = columns(1, 12)
    unlabelled = {key: np.concatenate([value, np.full_like(value[:5], np.nan)]) for key, value in given.items()}
    labelled = {key: np.concatenate([value, value[:5]]) for key, value in given.items()}
    long = random_outputs(1, 17)
    short = {key: logits.detach()[:12].requires_grad_() for key, logits in long.items()}
    term = every_term(short, partial_batch(n=12, columns=given))[name]
    padded = every_term(long, partial_batch(n=17, columns=unlabelled))[name]
    other = every_term(long, partial_batch(n=17, columns=labelled))[name]

    assert padded.mean().item() == pytest.approx(term.mean().item(), rel=1e-6)
    assert padded.count == term.count
    before, after = (gradient_of(each.mean(), logits)[name] for each, logits in ((term, short), (padded, long)))
    assert torch.allclose(after[:12], before, atol=1e-7)
    assert not after[12:].any()

    assert abs(other.mean().item() - term.mean().item()) > 1e-3
    assert other.count > term.count
    assert gradient_of(other.mean(), long)[name][12:].any()


@pytest.mark.parametrize("name", [name for name in TERMS if "distribution_matching" not in name])
def test_without_any_label_there_is_a_zero_attached_to_the_graph(
    name: str, partial_batch: Make, random_outputs: Logits
) -> None:
    batch, outputs = partial_batch(), random_outputs()
    for mask in batch.mask.values():
        mask[:] = False
    term = every_term(outputs, batch)[name]
    assert (term.total.item(), term.count.item(), term.mean().item()) == (0, 0, 0)
    assert term.mean().requires_grad
    assert all(not gradient.any() for gradient in gradient_of(term.mean(), outputs).values())


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("size", [50.0, 1000.0])
def test_certain_predictions_keep_losses_and_gradients_finite(
    name: str, size: float, partial_batch: Make, random_outputs: Logits
) -> None:
    outputs = {key: (logits.sign() * size).detach().requires_grad_() for key, logits in random_outputs().items()}
    term = every_term(outputs, partial_batch())[name]
    assert term.total.isfinite()
    for gradient in gradient_of(term.total, outputs).values():
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ADDITIVE)
def test_an_unannotated_cell_may_hold_anything_finite(name: str, partial_batch: Make, random_outputs: Logits) -> None:
    outputs, batch = random_outputs(2), partial_batch(2)
    changed = replace(
        batch,
        labels={
            "expression": torch.where(batch.mask["expression"], batch.labels["expression"], 6),
            "action_units": torch.where(batch.mask["action_units"], batch.labels["action_units"], 1.0),
            "affect": torch.where(batch.mask["affect"], batch.labels["affect"], 1.0),
        },
    )
    assert every_term(outputs, changed)[name].total == every_term(outputs, batch)[name].total


@pytest.mark.parametrize("coupling", COUPLINGS, ids=lambda coupling: type(coupling).__name__)
def test_a_coupling_returns_the_terms_that_it_names(
    coupling: DistributionMatching, partial_batch: Make, random_outputs: Logits
) -> None:
    assert tuple(coupling(random_outputs(), partial_batch(), DU_2014)) == coupling.terms


def test_the_mean_is_the_sum_over_the_count_and_not_the_mean_of_means() -> None:
    first = LossTerm.over(torch.tensor([1.0, 3.0, 9.0]), torch.tensor([True, True, False]))
    second = LossTerm.over(torch.tensor([7.0, 5.0]), torch.tensor([True, False]))
    assert (first + second).mean().item() == pytest.approx(11 / 3)
