"""Soft co-annotation against a double loop of papers/003, eq. 5-7."""

import itertools
import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import SoftCoAnnotation
from mien.learn.losses.coupling import Reading
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness

AU = {label: index for index, label in enumerate(DU_2014.attribute_labels)}
EMOTION = {label: index for index, label in enumerate(DU_2014.class_labels)}


def softmax(row: list[float]) -> list[float]:
    mass = sum(math.exp(z) for z in row)
    return [math.exp(z) / mass for z in row]


def indicator(annotated: dict[int, float], weights: list[float], empty: str) -> float | None:
    """Eq. 5 of one class; ``annotated`` holds only the known attributes; None: the class is skipped."""
    above = sum(weights[i] * y for i, y in annotated.items())
    below = sum(weights[i] for i in annotated)
    if below > 0:
        return above / below
    return {"zero": 0.0, "absence": sum(1 - y for y in annotated.values()) / len(annotated), "exclude": None}[empty]


def likelihood(annotated: dict[int, float], weights: list[float], noise: float) -> float | None:
    """log P(annotated attributes | class) of a naive Bayes classifier."""
    total = 0.0
    for i, y in annotated.items():
        w = min(max(weights[i], noise), 1 - noise)
        total += y * math.log(w) + (1 - y) * math.log(1 - w)
    return total


def cell(p: float, q: float, reading: str) -> float:
    return {"as_printed": -p * math.log(q), "kl": p * math.log(p / q), "soft_target": -q * math.log(p)}[reading]


def oracle(z: np.ndarray, batch: Batch, table: Relatedness, coupling: SoftCoAnnotation) -> tuple[float, int]:
    labels, mask = (side["action_units"].numpy() for side in (batch.labels, batch.mask))
    total, count = 0.0, 0
    for row in range(len(z)):
        annotated = {i: float(labels[row, i]) for i in range(labels.shape[1]) if mask[row, i]}
        if not any(table.weights[c, i] > 0 for i in annotated for c in range(z.shape[1])):
            continue
        count += 1
        logits, scores = [], []
        for c in range(z.shape[1]):
            weights = [float(w) if coupling.reweight else float(w > 0) for w in table.weights[c]]
            if coupling.evidence == "likelihood":
                score = likelihood(annotated, weights, coupling.noise)
            else:
                score = indicator(annotated, weights, coupling.empty)
            if score is not None:
                logits.append(z[row, c])
                scores.append(score / coupling.temperature)
        for p, q in zip(softmax(logits), softmax(scores), strict=True):
            total += cell(p, q, coupling.reading)
    return total, count


OPTIONS = [
    *itertools.product(get_args(Reading), (True, False), ("zero", "absence", "exclude"), (1.0, 0.1, 3.0)),
    *itertools.product(get_args(Reading), (True, False), ("zero", "exclude"), (1.0, 3.0), ("likelihood",), (0.02, 0.2)),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("table", [DU_2014, AFF_WILD2], ids=["du_2014", "aff_wild2"])
def test_agrees_with_the_double_loop(
    options: tuple[Any, ...],
    table: Relatedness,
    partial_batch: Callable[..., Batch],
    random_outputs: Callable[..., dict[str, Tensor]],
) -> None:
    coupling = SoftCoAnnotation(*options)
    for seed in range(2):
        outputs, batch = random_outputs(seed, 10), partial_batch(seed, 10)
        batch.mask["action_units"][3, 4:] = False  # leaves several classes without an annotated attribute
        batch.mask["action_units"][4] = torch.arange(17) == AU["AU14"]  # which belongs to no class
        z = outputs["expression"].detach().double()
        term = coupling({"expression": z}, batch, table)["soft_co_annotation"]
        total, count = oracle(z.numpy(), batch, table, coupling)
        assert term.total.item() == pytest.approx(total, rel=1e-6)
        assert term.count.item() == count == 8
        assert coupling(outputs, batch, table)["soft_co_annotation"].total.item() == pytest.approx(total, rel=1e-5)


def faces(*annotations: dict[str, float]) -> tuple[Tensor, Tensor]:
    labels, mask = torch.zeros(len(annotations), 17), torch.zeros(len(annotations), 17, dtype=torch.bool)
    for row, annotation in enumerate(annotations):
        for name, value in annotation.items():
            labels[row, AU[name]], mask[row, AU[name]] = value, True
    return labels, mask


def scores(annotation: dict[str, float], *, reweight: bool = True, empty: str = "zero") -> Tensor:
    weights = torch.tensor(DU_2014.weights if reweight else DU_2014.belongs, dtype=torch.float32)
    return SoftCoAnnotation(empty=empty).indicator(*faces(annotation), weights)[0][0]  # type: ignore[arg-type]


EVERY = dict.fromkeys(AU, 0.0)


@pytest.mark.parametrize(("y12", "y25", "y6"), list(itertools.product((0.0, 1.0), repeat=3)))
def test_the_papers_example_indicator_of_happiness(y12: float, y25: float, y6: float) -> None:
    annotation = EVERY | {"AU12": y12, "AU25": y25, "AU06": y6}
    happiness = EMOTION["happiness"]
    assert scores(annotation)[happiness].item() == pytest.approx((y12 + y25 + 0.51 * y6) / 2.51, abs=1e-6)
    assert scores(annotation, reweight=False)[happiness].item() == pytest.approx((y12 + y25 + y6) / 3, abs=1e-6)


def test_a_missing_attribute_is_in_neither_sum() -> None:
    assert scores({"AU12": 1.0, "AU06": 0.0})[EMOTION["happiness"]].item() == pytest.approx(1 / 1.51, abs=1e-6)


def test_a_class_without_annotated_attributes_scores_zero_or_absence() -> None:
    annotation = {"AU12": 1.0, "AU25": 0.0, "AU02": 0.0}
    assert scores(annotation)[EMOTION["neutral"]] == 0
    assert scores(annotation, empty="absence")[EMOTION["neutral"]].item() == pytest.approx(2 / 3, abs=1e-6)
    assert scores(annotation, empty="absence")[EMOTION["happiness"]].item() == pytest.approx(1 / 2, abs=1e-6)


def test_the_value_under_a_false_mask_is_ignored(
    partial_batch: Callable[..., Batch], random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    outputs, batch = random_outputs(), partial_batch()
    before = SoftCoAnnotation()(outputs, batch, DU_2014)["soft_co_annotation"].total.item()
    labels = batch.labels["action_units"]
    labels[~batch.mask["action_units"]] = 1.0
    assert SoftCoAnnotation()(outputs, batch, DU_2014)["soft_co_annotation"].total.item() == before
    labels[0] = 1 - labels[0]
    assert SoftCoAnnotation()(outputs, batch, DU_2014)["soft_co_annotation"].total.item() != before


def descend(reading: Reading, batch: Batch) -> Tensor:
    return descend_with(SoftCoAnnotation(reading), batch)


def descend_with(coupling: SoftCoAnnotation, batch: Batch) -> Tensor:
    outputs = {"expression": torch.zeros(1, 7, requires_grad=True)}
    optimizer = torch.optim.Adam([outputs["expression"]], 0.1)
    for _ in range(600):
        optimizer.zero_grad()
        coupling(outputs, batch, DU_2014)["soft_co_annotation"].mean().backward()
        optimizer.step()
    return outputs["expression"].detach().softmax(1)[0]


def one_face(annotation: dict[str, float]) -> Batch:
    labels, mask = faces(annotation)
    return Batch(torch.zeros(1, 3, 112, 112), {"action_units": labels}, {"action_units": mask})


SMILE = EVERY | {"AU12": 1.0, "AU25": 1.0, "AU06": 1.0}


@pytest.mark.parametrize("reading", ["kl", "soft_target"])
def test_kl_and_soft_target_descend_to_the_soft_label(reading: Reading) -> None:
    assert torch.allclose(descend(reading, one_face(SMILE)), scores(SMILE).softmax(0), atol=0.005)


def test_as_printed_puts_all_probability_on_the_largest_score() -> None:
    p = descend("as_printed", one_face(SMILE))
    assert p.argmax() == EMOTION["happiness"]
    assert p.max() > 0.99


def test_no_gradient_reaches_the_attributes(
    partial_batch: Callable[..., Batch], random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    outputs = random_outputs()
    SoftCoAnnotation()(outputs, partial_batch(), DU_2014)["soft_co_annotation"].total.backward()
    assert outputs["action_units"].grad is None
    assert outputs["expression"].grad is not None


@pytest.mark.parametrize("reading", get_args(Reading))
def test_an_excluded_class_gets_no_gradient(reading: Reading) -> None:
    logits = torch.randn(1, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    coupling = SoftCoAnnotation(reading, empty="exclude")
    coupling({"expression": logits}, one_face(SMILE), DU_2014)["soft_co_annotation"].total.backward()
    assert logits.grad is not None
    assert logits.grad[0, EMOTION["neutral"]] == 0
    assert (logits.grad[0, 1:] != 0).all()
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("reading", ["as_printed", "kl"])
def test_ten_thousand_classes_are_distinguished(reading: Reading) -> None:
    """Each q is far below EPSILON, which must not clip it."""
    classes = 10_000
    weights = np.random.default_rng(0).random((classes, 5))
    table = Relatedness("id", "traits", tuple(map(str, range(classes))), tuple("abcde"), weights, weights == 1, "")
    logits = torch.zeros(1, classes, requires_grad=True)
    labels, mask = torch.tensor([[1.0, 0.0, 1.0, 0.0, 0.0]]), torch.ones(1, 5, dtype=torch.bool)
    coupling = SoftCoAnnotation(reading, temperature=0.1)
    term = coupling({"id": logits}, Batch(labels, {"traits": labels}, {"traits": mask}), table)["soft_co_annotation"]
    term.total.backward()
    assert logits.grad is not None
    likeliest = coupling.indicator(labels, mask, torch.tensor(weights, dtype=torch.float32))[0].argmax()
    assert logits.grad.argmin() == likeliest


def test_a_lower_temperature_sharpens_the_soft_label() -> None:
    batch = one_face(SMILE)
    warm, cold = (descend_with(SoftCoAnnotation(temperature=degree), batch) for degree in (1.0, 0.1))
    assert warm.max() < 0.35
    assert cold[EMOTION["happiness"]] > 0.9
    assert torch.allclose(cold, (scores(SMILE) / 0.1).softmax(0), atol=0.005)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reading": "other"}, "reading must be one of kl, as_printed, soft_target, not 'other'"),
        ({"empty": "other"}, "empty must be one of zero, absence, exclude, not 'other'"),
        ({"temperature": 0.0}, "temperature must be above 0 and finite, not 0.0"),
        ({"evidence": "other"}, "evidence must be one of indicator, likelihood, not 'other'"),
        ({"noise": 0.5}, r"noise must be in \(0, 1/2\), not 0.5"),
    ],
)
def test_unknown_choices_are_rejected_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^SoftCoAnnotation: {message}$"):
        SoftCoAnnotation(**options)
