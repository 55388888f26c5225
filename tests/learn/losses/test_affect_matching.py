"""Affect matching against a double loop over densities."""

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import AffectMatching
from mien.learn.losses.affect_matching import FARTHEST
from mien.learn.losses.coupling import Reading
from mien.relatedness.affect_prior import RUSSELL_1977, AffectPrior
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task

CLASSES, VALUES = "affect_matching_classes", "affect_matching_affect"
EMOTION = {label: index for index, label in enumerate(EXPRESSION.labels)}
SLANTED = replace(
    RUSSELL_1977,
    covariances=RUSSELL_1977.covariances + 0.01 * np.array([[1.0, 0.7], [0.7, 1.0]]),
    class_prior=np.array([0.4, 0.2, 0.1, 0.05, 0.1, 0.1, 0.05]),
)
"""Covariances that are not diagonal, and classes of unequal frequency."""


def softmax(row: Any) -> list[float]:
    mass = sum(math.exp(z) for z in row)
    return [math.exp(z) / mass for z in row]


def density(y: Any, mean: np.ndarray, covariance: np.ndarray, freedom: float) -> float:
    """Student's t in two dimensions, up to a factor that all classes share."""
    (a, b), (_, d) = covariance
    determinant = a * d - b * b
    v, w = y[0] - mean[0], y[1] - mean[1]
    square = (d * v * v - 2 * b * v * w + a * w * w) / determinant
    return float(determinant**-0.5 * (1 + square / freedom) ** (-(freedom + 2) / 2))


def cell(p: float, q: float, reading: str) -> float:
    return {"as_printed": -p * math.log(q), "kl": p * math.log(p / q), "soft_target": -q * math.log(p)}[reading]


def oracle(
    z: np.ndarray, y: np.ndarray, batch: Batch, prior: AffectPrior, coupling: AffectMatching
) -> dict[str, float]:
    totals = {CLASSES: 0.0, VALUES: 0.0}
    peak = max(density(m, m, s, coupling.freedom) for m, s in zip(prior.means, prior.covariances, strict=True))
    for row in range(len(z)):
        p, mix, point = softmax(z[row]), softmax(z[row]), y[row]
        if coupling.targets == "labels":
            if batch.mask["expression"][row]:
                mix = [float(c == int(batch.labels["expression"][row])) for c in range(7)]
            if batch.mask["affect"][row].all():
                point = batch.labels["affect"][row].double().numpy()
        joint, density_here = [], 0.0
        for c in range(7):
            mean, covariance = prior.means[c], prior.covariances[c]
            joint.append(prior.class_prior[c] * density(point, mean, covariance, coupling.freedom))
            density_here += mix[c] * density(y[row], mean, covariance, coupling.freedom)
        totals[CLASSES] += sum(cell(p[c], joint[c] / sum(joint), coupling.reading) for c in range(7))
        totals[VALUES] += math.log(peak) - math.log(density_here)
    return totals


OPTIONS = itertools.product(get_args(Reading), ("labels", "predictions"), ("targets", "none"), (10.0, 1.0))


@pytest.mark.parametrize("options", [*OPTIONS], ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("prior", [RUSSELL_1977, SLANTED], ids=["russell_1977", "slanted"])
def test_agrees_with_the_double_loop(
    options: tuple[Any, ...],
    prior: AffectPrior,
    partial_batch: Callable[..., Batch],
    random_outputs: Callable[..., dict[str, Tensor]],
) -> None:
    coupling = AffectMatching("russell_1977", *options).with_prior(prior)
    for seed in range(2):
        outputs, batch = random_outputs(seed, 9), partial_batch(seed, 9)
        doubles = {name: logits.detach().double() for name, logits in outputs.items()}
        terms = coupling(doubles, batch)
        expected = oracle(doubles["expression"].numpy(), doubles["affect"].numpy(), batch, prior, coupling)
        for name, total in expected.items():
            assert terms[name].total.item() == pytest.approx(total, rel=1e-6)
            assert terms[name].count.item() == 9
            assert coupling(outputs, batch)[name].total.item() == pytest.approx(total, rel=1e-4)


def unlabelled(n: int) -> Batch:
    labels = {"expression": torch.zeros(n, dtype=torch.int64), "affect": torch.zeros(n, 2)}
    mask = {"expression": torch.zeros(n, dtype=torch.bool), "affect": torch.zeros(n, 2, dtype=torch.bool)}
    return Batch(torch.zeros(n), labels, mask)


def sure(name: str, size: float = 30.0) -> Tensor:
    logits = torch.full((1, 7), -size)
    logits[0, EMOTION[name]] = size
    return logits


def descend(coupling: AffectMatching, outputs: dict[str, Tensor], moved: str, term: str, batch: Batch) -> Tensor:
    outputs = outputs | {moved: outputs[moved].clone().requires_grad_()}
    optimizer = torch.optim.Adam([outputs[moved]], 0.05)
    for _ in range(500):
        optimizer.zero_grad()
        coupling(outputs, batch)[term].mean().backward()
        optimizer.step()
    return outputs[moved].detach()


@pytest.mark.parametrize("name", ["happiness", "sadness"])
def test_valence_and_arousal_descend_to_the_mean_of_the_class(name: str) -> None:
    start = {"expression": sure(name), "affect": torch.tensor([[-0.9, 0.9]])}
    found = descend(AffectMatching(), start, "affect", VALUES, unlabelled(1))
    np.testing.assert_allclose(found[0], RUSSELL_1977.means[EMOTION[name]], atol=0.01)


@pytest.mark.parametrize("reading", ["kl", "soft_target"])
def test_classes_descend_to_the_posterior(reading: Reading) -> None:
    start = {"expression": torch.zeros(1, 7), "affect": torch.tensor([[-0.6, 0.5]])}
    found = descend(AffectMatching(reading=reading), start, "expression", CLASSES, unlabelled(1)).softmax(1)[0]
    joint = [
        share * density((-0.6, 0.5), mean, covariance, 10.0)
        for share, mean, covariance in zip(
            RUSSELL_1977.class_prior, RUSSELL_1977.means, RUSSELL_1977.covariances, strict=True
        )
    ]
    np.testing.assert_allclose(found, np.array(joint) / sum(joint), atol=0.005)


def test_as_printed_puts_all_probability_on_the_likeliest_class() -> None:
    start = {"expression": torch.zeros(1, 7), "affect": torch.tensor([[0.8, 0.5]])}
    found = descend(AffectMatching(reading="as_printed"), start, "expression", CLASSES, unlabelled(1)).softmax(1)[0]
    assert found[EMOTION["happiness"]] > 0.99


def test_both_terms_are_zero_at_their_minimum_and_positive_elsewhere() -> None:
    tight = EMOTION["neutral"]  # the smallest spread
    best = {"expression": sure("neutral"), "affect": torch.zeros(1, 2)}
    assert AffectMatching()(best, unlabelled(1))[VALUES].total.item() == pytest.approx(0, abs=1e-6)
    q = AffectMatching(reading="soft_target")
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        other = {
            "expression": torch.randn(1, 7, generator=generator) * 5,
            "affect": torch.rand(1, 2, generator=generator) * 2 - 1,
        }
        terms = AffectMatching()(other, unlabelled(1))
        assert terms[VALUES].total > 0
        assert terms[CLASSES].total > 0
        assert q(other, unlabelled(1))[CLASSES].total > 0
    assert np.linalg.det(RUSSELL_1977.covariances).argmin() == tight


@pytest.mark.parametrize(("stop", "shared"), [("targets", False), ("none", True)])
def test_stop_gradient_decides_which_sides_a_term_moves(
    stop: str, shared: bool, random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    for term, side, other in ((CLASSES, "expression", "affect"), (VALUES, "affect", "expression")):
        outputs = random_outputs(0, 4)
        AffectMatching(stop_gradient=stop)(outputs, unlabelled(4))[term].total.backward()  # type: ignore[arg-type]
        gradient = outputs[side].grad
        assert gradient is not None
        assert gradient.any()
        assert (outputs[other].grad is not None) is shared


def test_labels_replace_predictions_on_the_target_side() -> None:
    batch = unlabelled(1)
    batch.labels["expression"][0], batch.mask["expression"][0] = EMOTION["sadness"], True
    batch.labels["affect"][0] = torch.tensor([0.8, 0.5])
    batch.mask["affect"][0] = True
    start = {"expression": sure("happiness", 1.0), "affect": torch.tensor([[0.0, 0.0]])}
    found = descend(AffectMatching(), start, "affect", VALUES, batch)
    np.testing.assert_allclose(found[0], RUSSELL_1977.means[EMOTION["sadness"]], atol=0.01)
    batch.mask["expression"][0] = False
    start["expression"] = sure("sadness", 1.0)
    assert descend(AffectMatching(), start, "expression", CLASSES, batch).argmax() == EMOTION["happiness"]


def test_votes_are_mixture_weights_and_half_an_affect_label_is_ignored() -> None:
    outputs = {"expression": sure("fear", 1.0), "affect": torch.tensor([[0.1, -0.2]])}
    votes = torch.zeros(1, 7)
    votes[0, 1], votes[0, 2] = 0.75, 0.25
    voted = replace(unlabelled(1), labels={"expression": votes, "affect": torch.ones(1, 2)})
    voted.mask["expression"][0], voted.mask["affect"][0, 0] = True, True
    means, covariances = RUSSELL_1977.means, RUSSELL_1977.covariances
    peak = max(density(m, m, s, 10.0) for m, s in zip(means, covariances, strict=True))
    mixture = sum(votes[0, c].item() * density((0.1, -0.2), means[c], covariances[c], 10.0) for c in (1, 2))
    terms = AffectMatching()(outputs, voted)
    assert terms[VALUES].total.item() == pytest.approx(math.log(peak) - math.log(mixture), rel=1e-5)
    predicted = AffectMatching()(outputs, unlabelled(1))[CLASSES].total
    assert terms[CLASSES].total == predicted
    voted.mask["affect"][:] = True
    assert AffectMatching()(outputs, voted)[CLASSES].total.item() != pytest.approx(predicted.item(), rel=0.01)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_far_values_are_pulled_back_by_bounded_gradients(size: float) -> None:
    outputs = {
        "expression": torch.zeros(1, 7, requires_grad=True),
        "affect": torch.tensor([[size, -size]], requires_grad=True),
    }
    terms = AffectMatching(stop_gradient="none")(outputs, unlabelled(1))
    sum(term.total for term in terms.values()).backward()  # type: ignore[union-attr]
    for logits in outputs.values():
        assert logits.grad is not None
        assert logits.grad.isfinite().all()
        assert logits.grad.abs().max() < 100
    pull = outputs["affect"].grad
    assert pull is not None
    assert pull[0].sign().tolist() == ([1, -1] if size < FARTHEST else [0, 0])  # descent leads back to the plane


def test_an_inferred_prior_must_be_set_before_use(tmp_path: Path) -> None:
    coupling = AffectMatching("inferred")
    outputs = {"expression": torch.zeros(1, 7), "affect": torch.zeros(1, 2)}
    with pytest.raises(ValueError, match="prior has not been inferred; set it with `with_prior`"):
        coupling(outputs, unlabelled(1))
    path = tmp_path / "slanted.json"
    path.write_text(json.dumps(SLANTED.to_dict()))
    given, read = coupling.with_prior(SLANTED), AffectMatching(str(path))
    assert coupling.gaussians is None
    assert given(outputs, unlabelled(1))[CLASSES].total != AffectMatching()(outputs, unlabelled(1))[CLASSES].total
    assert given(outputs, unlabelled(1))[VALUES].total == read(outputs, unlabelled(1))[VALUES].total


OWN = Task("own", Kind.CLASSES, tuple("abcdefg"), ("",) * 7)
ONE = Task("one", Kind.CONTINUOUS, ("only",), ("",))


@pytest.mark.parametrize(
    ("options", "tasks", "message"),
    [
        ({}, (EXPRESSION, ACTION_UNITS), "no task affect among expression, action_units"),
        ({"classes": "own"}, (OWN, AFFECT), "the prior has the classes .*, the task has"),
        ({"affect": "one"}, (EXPRESSION, ONE), "the task one must have two values, valence and arousal"),
    ],
)
def test_unsuitable_tasks_are_rejected(options: dict[str, Any], tasks: tuple[Task, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AffectMatching(**options).check(tasks)
    AffectMatching().check(FACE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reading": "other"}, "reading must be one of kl, as_printed, soft_target, not 'other'"),
        ({"targets": "other"}, "targets must be one of labels, predictions"),
        ({"stop_gradient": "other"}, "stop_gradient must be one of targets, none"),
        ({"freedom": 0.0}, "freedom must be above 0 and finite, not 0.0"),
        ({"prior": "other"}, "other: no such affect prior, and not a .json file; known: russell_1977"),
    ],
)
def test_unknown_choices_are_rejected_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AffectMatching(**options)


def test_another_number_of_classes_is_rejected() -> None:
    with pytest.raises(ValueError, match="3 classes, but the prior has 7"):
        AffectMatching()({"expression": torch.zeros(1, 3), "affect": torch.zeros(1, 2)}, unlabelled(1))
