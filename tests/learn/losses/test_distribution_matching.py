"""Distribution matching against a double loop of papers/003, eq. 3-4."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import DistributionMatching
from mien.learn.losses.coupling import EPSILON, Reading
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness
from mien.tasks import Kind, Task

CLASSES, ATTRIBUTES = "expression", "action_units"
AU = {label: index for index, label in enumerate(DU_2014.attribute_labels)}
EMOTION = {label: index for index, label in enumerate(DU_2014.class_labels)}


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def softmax(row: np.ndarray) -> list[float]:
    mass = sum(math.exp(z) for z in row)
    return [math.exp(z) / mass for z in row]


def cell(p: float, q: float, reading: str) -> float:
    clipped = min(max(q, EPSILON), 1 - EPSILON)
    return {"as_printed": -p * math.log(clipped), "kl": p * math.log(p / clipped), "soft_target": -q * math.log(p)}[
        reading
    ]


def mixture(p_emo: list[float], table: Relatedness, reweight: bool, i: int) -> float:
    """Eq. 3; p(i | c) is 1 where i belongs to c, or the table's weight."""
    q = 0.0
    for c, p in enumerate(p_emo):
        weight = float(table.weights[c, i])
        q += p * (weight if reweight else math.ceil(weight))
    return q


def oracle(
    z_emo: np.ndarray,
    z_au: np.ndarray,
    table: Relatedness,
    coupling: DistributionMatching,
    each: np.ndarray,
    known: np.ndarray,
) -> float:
    """Eq. 4, cell by cell; ``each`` holds the attributes' weights, ``known`` is True where annotated."""
    total = 0.0
    for row in range(len(z_emo)):
        p_emo = softmax(z_emo[row])
        for i in range(z_au.shape[1]):
            if coupling.cells == "unlabelled" and known[row, i]:
                continue
            p, q = sigmoid(z_au[row, i]), mixture(p_emo, table, coupling.reweight, i)
            total += each[i] * cell(p, q, coupling.reading)
            if coupling.outcomes == "both":
                total += each[i] * cell(1 - p, 1 - q, coupling.reading)
    return total


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Planted informativeness of the attributes."""
    each = np.random.default_rng(0).random(len(AU))
    monkeypatch.setattr("mien.relatedness.inference.informativeness", lambda _: each)
    return each


OPTIONS = itertools.product(
    get_args(Reading),
    ("both", "positive"),
    (True, False),
    ("none", "classes", "attributes"),
    ("equal", "informative"),
    ("all", "unlabelled"),
)


@pytest.mark.parametrize("options", [*OPTIONS], ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("printed", [DU_2014, AFF_WILD2], ids=["du_2014", "aff_wild2"])
def test_agrees_with_the_double_loop(
    options: tuple[Any, ...],
    printed: Relatedness,
    planted: np.ndarray,
    partial_batch: Callable[..., Batch],
    random_outputs: Callable[..., dict[str, Tensor]],
) -> None:
    table = replace(printed)  # a copy, because the cache keeps attribute weights by table
    coupling = DistributionMatching(*options)
    each = planted if coupling.attribute_weights == "informative" else np.ones(len(AU))
    for seed in range(2):
        outputs = {name: logits.detach().double() for name, logits in random_outputs(seed, 6, 3.0).items()}
        batch = partial_batch(seed, 6)
        known = batch.mask[ATTRIBUTES].numpy()
        term = coupling(outputs, batch, table)["distribution_matching"]
        expected = oracle(outputs[CLASSES].numpy(), outputs[ATTRIBUTES].numpy(), table, coupling, each, known)
        assert term.total.item() == pytest.approx(expected, rel=1e-6)
        assert term.count.item() == 6
        single = {name: logits.float() for name, logits in outputs.items()}
        assert coupling(single, partial_batch(seed, 6), table)["distribution_matching"].total.item() == pytest.approx(
            expected, rel=1e-5
        )


def test_informative_does_not_move_an_uninformative_attribute(
    partial_batch: Callable[..., Batch], random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    weights = np.zeros((7, 17))
    weights[:, 0], weights[1, 1], weights[2, 2] = 0.4, 0.9, 0.2
    table = replace(DU_2014, weights=weights, prototypical=weights == 1)
    outputs = random_outputs(0, 4)
    coupling = DistributionMatching(attribute_weights="informative")
    coupling(outputs, partial_batch(0, 4), table)["distribution_matching"].total.backward()
    assert outputs[ATTRIBUTES].grad is not None
    pull = outputs[ATTRIBUTES].grad.abs().sum(0)
    assert pull[0] < 1e-6
    assert pull[1] > 0.01
    assert pull[2] > 0


def mix(classes: dict[str, float], *, reweight: bool) -> Tensor:
    """q of one sample, the target of soft-target attributes."""
    p = torch.full((1, 7), 1e-9)
    for name, value in classes.items():
        p[0, EMOTION[name]] = value
    outputs = {CLASSES: p.log(), ATTRIBUTES: torch.zeros(1, 17, requires_grad=True)}
    batch = Batch(torch.zeros(1, 3, 112, 112), {}, {})
    term = DistributionMatching("soft_target", "both", reweight)(outputs, batch, DU_2014)["distribution_matching"]
    term.total.backward()
    assert outputs[ATTRIBUTES].grad is not None
    return 0.5 - outputs[ATTRIBUTES].grad[0]  # d/dz of the cross-entropy is p - q, and p = 0.5


def test_the_papers_example_q_of_au2_is_surprise_plus_fear() -> None:
    classes = {"surprise": 0.3, "fear": 0.25, "happiness": 0.45}
    assert mix(classes, reweight=False)[AU["AU02"]].item() == pytest.approx(0.55, abs=1e-5)
    assert mix(classes, reweight=True)[AU["AU02"]].item() == pytest.approx(0.3 + 0.25 * 0.57, abs=1e-5)


def test_the_papers_example_certain_happiness_switches_on_only_au_12_25_and_6() -> None:
    q = mix({"happiness": 1.0}, reweight=False)
    on = {label for label, index in AU.items() if q[index] > 0.5}
    assert on == {"AU06", "AU12", "AU25"}
    assert all(q[AU[name]].item() == pytest.approx(1, abs=2 * EPSILON) for name in on)
    assert all(q[index].item() == pytest.approx(0, abs=2 * EPSILON) for name, index in AU.items() if name not in on)


def descend(coupling: DistributionMatching, batch: Batch, outputs: dict[str, Tensor], moved: str) -> Tensor:
    outputs = {name: logits.detach().clone() for name, logits in outputs.items()}
    outputs[moved].requires_grad_()
    optimizer = torch.optim.Adam([outputs[moved]], 0.1)
    for _ in range(600):
        optimizer.zero_grad()
        loss = coupling(outputs, batch, DU_2014)["distribution_matching"].mean()
        loss.backward()
        optimizer.step()
    return outputs[moved].detach()


@pytest.fixture
def start(random_outputs: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
    return random_outputs(5, 3, 1.0)


@pytest.mark.parametrize("reading", ["kl", "soft_target"])
def test_over_both_outcomes_attributes_descend_to_the_mixture(
    reading: Reading, start: dict[str, Tensor], partial_batch: Callable[..., Batch]
) -> None:
    p = descend(DistributionMatching(reading), partial_batch(0, 3), start, ATTRIBUTES).sigmoid()
    q = start[CLASSES].detach().softmax(1) @ torch.tensor(DU_2014.weights, dtype=torch.float32)
    assert torch.allclose(p, q.clamp(EPSILON, 1 - EPSILON), atol=0.01)


def test_kl_over_both_outcomes_is_zero_where_they_match_and_positive_elsewhere(
    start: dict[str, Tensor], partial_batch: Callable[..., Batch]
) -> None:
    q = (start[CLASSES].softmax(1) @ torch.tensor(DU_2014.weights, dtype=torch.float32)).clamp(EPSILON, 1 - EPSILON)
    matched = {CLASSES: start[CLASSES], ATTRIBUTES: q.logit()}
    batch, coupling = partial_batch(0, 3), DistributionMatching()
    assert coupling(matched, batch, DU_2014)["distribution_matching"].total.item() == pytest.approx(0, abs=1e-5)
    for sign in (-0.3, 0.3):
        moved = matched | {ATTRIBUTES: q.logit() + sign}
        assert coupling(moved, batch, DU_2014)["distribution_matching"].total.item() > 0.01


def test_as_printed_with_the_positive_outcome_pushes_every_attribute_down(
    start: dict[str, Tensor], partial_batch: Callable[..., Batch]
) -> None:
    coupling = DistributionMatching("as_printed", "positive", reweight=False)
    assert (descend(coupling, partial_batch(0, 3), start, ATTRIBUTES).sigmoid() < 0.01).all()


def test_the_classes_follow_the_attributes(partial_batch: Callable[..., Batch]) -> None:
    attributes = torch.full((1, 17), -5.0)
    attributes[0, [AU["AU12"], AU["AU25"], AU["AU06"]]] = 5.0
    outputs = {CLASSES: torch.zeros(1, 7), ATTRIBUTES: attributes}
    found = descend(DistributionMatching(reweight=False, stop_gradient="none"), partial_batch(0, 1), outputs, CLASSES)
    assert found.argmax(1).item() == EMOTION["happiness"]
    assert found.softmax(1).max() > 0.9


@pytest.mark.parametrize(
    ("stopped", "blocked", "moving"),
    [
        ("none", (), (CLASSES, ATTRIBUTES)),
        ("classes", (CLASSES,), (ATTRIBUTES,)),
        ("attributes", (ATTRIBUTES,), (CLASSES,)),
    ],
)
@pytest.mark.parametrize("reading", get_args(Reading))
def test_stop_gradient_blocks_only_the_named_side(
    stopped: str,
    blocked: tuple[str, ...],
    moving: tuple[str, ...],
    reading: Reading,
    partial_batch: Callable[..., Batch],
    random_outputs: Callable[..., dict[str, Tensor]],
) -> None:
    outputs = random_outputs(0, 4, 1.0)
    coupling = DistributionMatching(reading, stop_gradient=stopped)  # type: ignore[arg-type]
    coupling(outputs, partial_batch(0, 4), DU_2014)["distribution_matching"].total.backward()
    assert all(outputs[name].grad is None for name in blocked)
    for name in moving:
        gradient = outputs[name].grad
        assert gradient is not None
        assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("reading", get_args(Reading))
def test_stop_gradient_changes_neither_the_value_nor_the_other_gradient(
    reading: Reading, partial_batch: Callable[..., Batch], random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    values, pulls = [], {CLASSES: [], ATTRIBUTES: []}  # type: ignore[var-annotated]
    for side in ("none", "classes", "attributes"):
        outputs = random_outputs(0)
        term = DistributionMatching(reading, stop_gradient=side)(outputs, partial_batch(0), DU_2014)  # type: ignore[arg-type]
        term["distribution_matching"].total.backward()
        values.append(term["distribution_matching"].total.item())
        for name in (CLASSES, ATTRIBUTES):
            if (gradient := outputs[name].grad) is not None:
                pulls[name].append(gradient)
    assert len({*values}) == 1
    for free, other in pulls.values():
        assert torch.equal(free, other)


@pytest.mark.parametrize(("reading", "best"), [("as_printed", 0.0), ("kl", 0.4 / math.e), ("soft_target", 1.0)])
def test_over_the_positive_outcome_alone_no_reading_is_smallest_where_they_agree(reading: Reading, best: float) -> None:
    table = Relatedness.from_table(
        Task("kind", Kind.CLASSES, ("only",), ("",)),
        Task("trait", Kind.ATTRIBUTES, ("it",), ("",)),
        prototypical={},
        observational={"only": {"it": 0.4}},
        source="",
    )
    p = torch.linspace(0.001, 0.999, 999)
    coupling = DistributionMatching(reading, "positive")
    empty = Batch(torch.zeros(1), {}, {})
    losses = [
        coupling({"kind": torch.zeros(1, 1), "trait": each.logit()[None, None]}, empty, table)["distribution_matching"]
        for each in p
    ]
    at = min(range(999), key=lambda i: losses[i].total.item())
    assert p[at].item() == pytest.approx(best, abs=0.002)


@pytest.mark.parametrize("option", ["reading", "outcomes", "stop_gradient", "attribute_weights", "cells"])
def test_unknown_choices_are_rejected_by_name(option: str) -> None:
    with pytest.raises(ValueError, match=f"^DistributionMatching: {option} must be one of .*, not 'other'$"):
        DistributionMatching(**{option: "other"})  # type: ignore[arg-type]
