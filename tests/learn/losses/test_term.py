"""Properties of every loss and coupling: sums and counts, missing labels, and finite gradients."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import (
    AffectMatching,
    CoAnnotation,
    DistributionMatching,
    LossTerm,
    SoftCoAnnotation,
    supervised,
)
from mien.learn.losses.coupling import CouplingLoss, Outputs
from mien.relatedness.table import DU_2014
from mien.tasks import FACE

SUPERVISED = tuple(task.name for task in FACE)
COUPLINGS = (
    DistributionMatching(),
    DistributionMatching("as_printed", "positive", reweight=False),
    DistributionMatching("as_printed", stop_gradient="attributes"),
    DistributionMatching("soft_target", reweight=False),
    DistributionMatching("kl", reweight=False, stop_gradient="classes"),
    CoAnnotation(),
    CoAnnotation(reweight=False, normalise="attributes"),
    SoftCoAnnotation(),
    SoftCoAnnotation("as_printed", empty="absence"),
    SoftCoAnnotation("as_printed", empty="exclude", temperature=0.1),
    SoftCoAnnotation("kl", reweight=False),
    SoftCoAnnotation("kl", empty="exclude"),
    SoftCoAnnotation("soft_target", empty="exclude", temperature=0.01),
    AffectMatching(),
    AffectMatching(reading="soft_target", targets="predictions", stop_gradient="none"),
    AffectMatching(reading="as_printed", stop_gradient="none", freedom=1.0),
)
ALL_SAMPLES = ("distribution_matching", "affect_matching")
"""These use predictions where labels are missing, so an unlabelled row counts."""
Make = Callable[..., Batch]
Logits = Callable[..., dict[str, Tensor]]


def every_term(outputs: Outputs, batch: Batch) -> dict[str, LossTerm]:
    terms = supervised(outputs, batch, FACE)
    for number, coupling in enumerate(COUPLINGS):
        terms |= {f"{number} {name}": term for name, term in coupling(outputs, batch, DU_2014).items()}
    return terms


TERMS = (*SUPERVISED, *(f"{number} {name}" for number, coupling in enumerate(COUPLINGS) for name in coupling.terms))
BY_LABELS = tuple(name for name in TERMS if not any(each in name for each in ALL_SAMPLES))
ADDITIVE = tuple(name for name in TERMS if name != "affect")


def planted(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Let one of the first rows without an expression show all action units, so that a class is implied."""
    given["expression"][3], given["action_units"][3] = np.nan, 1
    return given


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
def test_shards_add_up_to_the_whole(
    name: str, columns: Callable[..., dict[str, np.ndarray]], partial_batch: Make, random_outputs: Logits
) -> None:
    outputs, batch = random_outputs(3), partial_batch(columns=planted(columns(3, 12)))
    whole = every_term(outputs, batch)[name]
    assert whole.count > 0
    shards = [every_term(*rows(batch, outputs, part))[name] for part in (slice(0, 1), slice(1, 5), slice(5, 12))]
    joined = shards[0] + shards[1] + shards[2]
    assert joined.total.item() == pytest.approx(whole.total.item(), rel=1e-5, abs=1e-6)
    assert joined.count.item() == whole.count.item()
    assert joined.mean().item() == pytest.approx(whole.mean().item(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", BY_LABELS)
def test_unlabelled_rows_change_neither_loss_nor_gradient(
    name: str, columns: Callable[..., dict[str, np.ndarray]], partial_batch: Make, random_outputs: Logits
) -> None:
    given = planted(columns(1, 12))
    unlabelled = {key: np.concatenate([value, np.full_like(value[:5], np.nan)]) for key, value in given.items()}
    labelled = {key: np.concatenate([value, value[:5]]) for key, value in given.items()}
    long = random_outputs(1, 17)
    short = {key: logits.detach()[:12].requires_grad_() for key, logits in long.items()}
    term = every_term(short, partial_batch(n=12, columns=given))[name]
    padded = every_term(long, partial_batch(n=17, columns=unlabelled))[name]
    other = every_term(long, partial_batch(n=17, columns=labelled))[name]

    assert padded.mean().item() == pytest.approx(term.mean().item(), rel=1e-6)
    assert padded.count == term.count
    before, after = (gradient_of(each.mean(), logits) for each, logits in ((term, short), (padded, long)))
    for task in FACE:
        assert torch.allclose(after[task.name][:12], before[task.name], atol=1e-7)
        assert not after[task.name][12:].any()

    assert other.count > term.count
    assert any(gradient[12:].any() for gradient in gradient_of(other.mean(), long).values())
    if name in SUPERVISED:
        assert abs(other.mean().item() - term.mean().item()) > 1e-3


@pytest.mark.parametrize("name", [name for name in TERMS if name not in BY_LABELS])
def test_unlabelled_rows_leave_other_rows_unchanged_where_predictions_count(
    name: str, columns: Callable[..., dict[str, np.ndarray]], partial_batch: Make, random_outputs: Logits
) -> None:
    given = columns(1, 12)
    unlabelled = {key: np.concatenate([value, np.full_like(value[:5], np.nan)]) for key, value in given.items()}
    long = random_outputs(1, 17)
    short = {key: logits.detach()[:12].requires_grad_() for key, logits in long.items()}
    term = every_term(short, partial_batch(n=12, columns=given))[name]
    padded = every_term(long, partial_batch(n=17, columns=unlabelled))[name]
    assert (term.count.item(), padded.count.item()) == (12, 17)
    before, after = (gradient_of(each.total, logits) for each, logits in ((term, short), (padded, long)))
    for task in FACE:
        assert torch.allclose(after[task.name][:12], before[task.name], atol=1e-6)


@pytest.mark.parametrize("name", BY_LABELS)
def test_without_labels_there_is_an_attached_zero(name: str, partial_batch: Make, random_outputs: Logits) -> None:
    batch, outputs = partial_batch(), random_outputs()
    for mask in batch.mask.values():
        mask[:] = False
    term = every_term(outputs, batch)[name]
    assert (term.total.item(), term.count.item(), term.mean().item()) == (0, 0, 0)
    assert term.mean().requires_grad
    assert all(not gradient.any() for gradient in gradient_of(term.mean(), outputs).values())


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("size", [0.0, 50.0, 1e4])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_certain_predictions_keep_losses_and_gradients_finite(
    name: str, kind: torch.dtype, size: float, partial_batch: Make, random_outputs: Logits
) -> None:
    """Including a table of exact zeros and ones, DU_2014 without its weights."""
    outputs = {
        key: (logits.sign() * size).detach().to(kind).requires_grad_() for key, logits in random_outputs().items()
    }
    term = every_term(outputs, partial_batch())[name]
    assert term.total.dtype is torch.float32
    assert term.total.isfinite()
    for gradient in gradient_of(term.total, outputs).values():
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ADDITIVE)
def test_unannotated_cells_may_hold_any_finite_value(name: str, partial_batch: Make, random_outputs: Logits) -> None:
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


@pytest.mark.parametrize("name", [name for name in TERMS if name != "affect"])
def test_autocast_changes_nothing(name: str, partial_batch: Make, random_outputs: Logits) -> None:
    outputs, batch = random_outputs(), partial_batch()
    plain = every_term(outputs, batch)[name].total
    with torch.autocast("cpu", torch.bfloat16):
        cast = every_term(outputs, batch)[name].total
    assert cast.item() == pytest.approx(plain.item(), rel=1e-6)


@pytest.mark.parametrize("coupling", COUPLINGS, ids=lambda coupling: type(coupling).__name__)
def test_couplings_return_the_terms_they_declare(
    coupling: CouplingLoss, partial_batch: Make, random_outputs: Logits
) -> None:
    given = DU_2014 if coupling.needs_relatedness else None
    assert tuple(coupling(random_outputs(), partial_batch(), given)) == coupling.terms


def test_the_mean_is_sum_over_count_not_the_mean_of_means() -> None:
    first = LossTerm.over(torch.tensor([1.0, 3.0, 9.0]), torch.tensor([True, True, False]))
    second = LossTerm.over(torch.tensor([7.0, 5.0]), torch.tensor([True, False]))
    assert (first + second).mean().item() == pytest.approx(11 / 3)
