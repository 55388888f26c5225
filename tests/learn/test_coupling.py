"""Coupling in a plain loop: the same gradients as our own path, for any labels."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from mien.learn import Coupling
from mien.learn.batch import Batch
from mien.learn.losses import CoAnnotation, DistributionMatching, SoftCoAnnotation, supervised
from mien.learn.losses.coupling import CouplingLoss
from mien.relatedness.table import DU_2014, Relatedness
from mien.tasks import Kind, Task

N, C, A = 9, 4, 6


def table(seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    weights = generator.random((C, A)).round(2) * (generator.random((C, A)) < 0.6)
    weights[0], weights[1, 0] = 0, 1
    return weights


def labels(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Classes with -1 and attributes with NaN where not labelled; one row has all attributes and no class."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(-1, C, (N,), generator=generator)
    attributes = torch.randint(0, 2, (N, A), generator=generator).float()
    attributes[torch.rand(N, A, generator=generator) < 0.4] = torch.nan
    classes[0], attributes[0], classes[1], attributes[1] = -1, 1.0, 2, torch.nan
    return classes, attributes


def network() -> nn.ModuleDict:
    torch.manual_seed(3)
    return nn.ModuleDict({"body": nn.Linear(5, 8), "kind": nn.Linear(8, C), "traits": nn.Linear(8, A)}).double()


SETTINGS: list[tuple[dict[str, Any], list[CouplingLoss]]] = [
    ({}, [DistributionMatching("kl"), SoftCoAnnotation("soft_target")]),
    ({"matching": "as_printed", "co_annotation": "hard"}, [DistributionMatching("as_printed"), CoAnnotation()]),
    ({"matching": None, "co_annotation": "kl"}, [SoftCoAnnotation("kl")]),
    (
        {
            "matching": DistributionMatching("soft_target", stop_gradient="attributes"),
            "co_annotation": CoAnnotation(normalise="attributes"),
        },
        [DistributionMatching("soft_target", stop_gradient="attributes"), CoAnnotation(normalise="attributes")],
    ),
    ({"matching": None, "co_annotation": None}, []),
]


@pytest.mark.parametrize(("options", "couplings"), SETTINGS, ids=range(len(SETTINGS)))
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_a_plain_loop_and_our_own_path_have_the_same_gradients(
    options: dict[str, Any], couplings: list[CouplingLoss], weight: float
) -> None:
    inputs = torch.randn(N, 5, generator=torch.Generator().manual_seed(1)).double()
    y, a = labels()
    m = ~a.isnan()

    plain = network()
    z = plain["body"](inputs).relu()
    kind, traits = plain["kind"](z), plain["traits"](z)
    cells = binary_cross_entropy_with_logits(traits, a.nan_to_num().double(), reduction="none") * m
    annotated = m.any(1)
    loss = cross_entropy(kind, y, ignore_index=-1) + (cells.sum(1)[annotated] / m.sum(1)[annotated]).mean()
    names = [name for coupling in couplings for name in coupling.terms]
    couple = Coupling(table(), **options, weights=dict.fromkeys(names, weight))
    loss = loss + couple(kind, traits, classes=y, attributes=a, mask=m)
    loss.backward()

    ours = network()
    z = ours["body"](inputs).relu()
    outputs = {"kind": ours["kind"](z), "traits": ours["traits"](z)}
    tasks = (
        Task("kind", Kind.CLASSES, tuple("abcd"), ("",) * C),
        Task("traits", Kind.ATTRIBUTES, tuple("uvwxyz"), ("",) * A),
    )
    relatedness = Relatedness("kind", "traits", tasks[0].labels, tasks[1].labels, table(), table() == 1, "made up")
    batch = Batch(inputs, {"kind": y.clamp(min=0), "traits": a.nan_to_num()}, {"kind": y >= 0, "traits": m})
    total = torch.stack([term.mean() for term in supervised(outputs, batch, tasks).values()]).sum()
    for coupling in couplings:
        for term in coupling(outputs, batch, relatedness).values():
            total = total + weight * term.mean()
            assert term.count > 0
    total.backward()

    assert loss.item() == pytest.approx(total.item(), rel=1e-6)
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        assert torch.allclose(mine.grad, other.grad, atol=1e-6, rtol=0)


def random_logits(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(N, size, generator=generator).requires_grad_() for size in (C, A))  # type: ignore[return-value]


def given(couple: Coupling, **known: Tensor) -> tuple[float, Tensor, Tensor]:
    """The value, and the gradients at both logits."""
    logits = random_logits()
    value = couple(*logits, **known)  # type: ignore[misc, arg-type]
    return value.item(), *torch.autograd.grad(value, logits)  # type: ignore[return-value]


BOTH = (Coupling(table()), Coupling(table(), "soft_target", "hard"))


@pytest.mark.parametrize("couple", BOTH, ids=["soft", "hard"])
@pytest.mark.parametrize(
    "change",
    [
        lambda y, a: {"classes": y, "attributes": a.nan_to_num(), "mask": ~a.isnan()},
        lambda y, a: {"classes": y, "attributes": a.nan_to_num(nan=-1)},
        lambda y, a: {"classes": y, "attributes": a.nan_to_num(nan=-1).long()},
        lambda y, a: {"classes": y, "attributes": a.nan_to_num().bool(), "mask": ~a.isnan()},
        lambda y, a: {"classes": y.int(), "attributes": a.half()},
        lambda y, a: {"classes": y, "attributes": a.double()},
        lambda y, a: {"classes": y, "attributes": a.nan_to_num(nan=255), "mask": ~a.isnan()},
        lambda y, a: {
            "classes": torch.where((y < 0)[:, None], torch.nan, torch.eye(C)[y.clamp(min=0)]),
            "attributes": a,
        },
    ],
    ids=["mask", "negative", "integers", "bool", "narrow", "wide", "masked", "shares"],
)
def test_labels_may_have_any_form(couple: Coupling, change: Callable[..., dict[str, Tensor]]) -> None:
    y, a = labels()
    value, *gradients = given(couple, classes=y, attributes=a)
    other, *others = given(couple, **change(y, a))
    assert other == pytest.approx(value, rel=1e-6)
    for one, two in zip(gradients, others, strict=True):
        assert torch.allclose(one, two, atol=1e-7)


@pytest.mark.parametrize("kind", ["numbers", "tensor", "lists", "relatedness"])
def test_a_table_may_have_any_form(kind: str) -> None:
    numbers = table()
    names = tuple("abcd"), tuple("uvwxyz")
    form: Any = {
        "numbers": numbers,
        "tensor": torch.tensor(numbers, requires_grad=True),
        "lists": numbers.tolist(),
        "relatedness": Relatedness("kind", "traits", *names, numbers, numbers == 1, "made up"),
    }[kind]
    y, a = labels()
    assert given(Coupling(form), classes=y, attributes=a)[0] == given(Coupling(numbers), classes=y, attributes=a)[0]


@pytest.mark.parametrize("couple", [*BOTH, Coupling(table(), None, "hard"), Coupling(table(), None, None)])
def test_without_labels_the_loss_is_finite_and_attached(couple: Coupling) -> None:
    value, *gradients = given(couple)
    nothing = given(couple, classes=torch.full((N, C), torch.nan), attributes=torch.full((N, A), torch.nan))
    assert value == nothing[0]
    assert (value == 0) is (couple.matching is None)
    for gradient in gradients:
        assert gradient.isfinite().all()


def test_an_empty_batch_is_a_zero() -> None:
    logits = torch.zeros(0, C, requires_grad=True), torch.zeros(0, A, requires_grad=True)
    value = Coupling(table())(*logits, classes=torch.zeros(0, dtype=torch.int64), attributes=torch.zeros(0, A))
    value.backward()
    assert value.item() == 0


@pytest.mark.parametrize("size", [1e4, 0.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_certain_predictions_and_tables_of_zeros_and_ones_are_finite(kind: torch.dtype, size: float) -> None:
    y, a = labels()
    logits = tuple((each.detach().sign() * size).to(kind).requires_grad_() for each in random_logits())
    for readings in (("kl", "kl"), ("as_printed", "as_printed"), ("soft_target", "soft_target"), ("kl", "hard")):
        value = Coupling(np.ceil(table()), *readings)(*logits, classes=y, attributes=a)  # type: ignore[arg-type]
        for gradient in torch.autograd.grad(value, logits):
            assert gradient.isfinite().all()
        assert value.isfinite()


def test_terms_of_parts_add_up_to_the_whole() -> None:
    y, a = labels()
    couple, logits = Coupling(table(), "kl", "hard"), random_logits()
    whole = couple.terms(*logits, classes=y, attributes=a)
    assert [*whole] == ["distribution_matching", "co_annotation_attributes", "co_annotation_classes"]
    parts = [
        couple.terms(*(each[part] for each in logits), classes=y[part], attributes=a[part])
        for part in (slice(0, 2), slice(2, None))
    ]
    for name, term in whole.items():
        joined = parts[0][name] + parts[1][name]
        assert joined.total.item() == pytest.approx(term.total.item(), rel=1e-5)
        assert joined.count == term.count
    total = couple(*logits, classes=y, attributes=a)
    assert total.item() == pytest.approx(sum(term.mean().item() for term in whole.values()), rel=1e-6)


BATCH = {"classes": torch.zeros(N, dtype=torch.int64), "attributes": torch.zeros(N, A)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_logits": torch.zeros(N, 3)}, "class_logits: shape 9 x 3, expected 9 x 4"),
        ({"attribute_logits": torch.zeros(8, A)}, "attribute_logits: shape 8 x 6, expected 9 x 6"),
        ({"classes": torch.zeros(N, 1)}, "classes: shape 9 x 1, expected 9 or 9 x 4"),
        ({"classes": torch.zeros(N)}, "classes: indices must be integers, not torch.float32"),
        ({"attributes": torch.zeros(N)}, "attributes: shape 9, expected 9 x 6"),
        ({"mask": torch.ones(N, dtype=torch.bool)}, "mask: shape 9, expected 9 x 6"),
        ({"mask": torch.ones(N, A)}, "mask: expected bool, not torch.float32"),
        ({"attributes": None, "mask": torch.ones(N, A) > 0}, "mask: given without attributes"),
        ({"class_logits": np.zeros((N, C))}, "class_logits: expected a tensor, not ndarray"),
        ({"classes": [0] * N}, "classes: expected a tensor, not list"),
        ({"mask": np.ones((N, A), bool)}, "mask: expected a tensor, not ndarray"),
        ({"classes": torch.full((N,), C)}, "classes: index 4 is out of range for 4 classes"),
        ({"classes": torch.full((N,), 255, dtype=torch.uint8)}, "classes: index 255 is out of range"),
        ({"classes": torch.ones(N, C)}, "classes: the shares of a sample must be 0 or more and sum to 1"),
        ({"classes": torch.tensor([[2.0, -1, 0, 0]] * N)}, "classes: the shares of a sample must be 0 or more"),
        ({"attributes": torch.tensor([[torch.nan, 5.0, 1, 0, 0, 0]] * N)}, "attributes: 5 is above 1"),
        ({"attributes": torch.full((N, A), torch.inf)}, "attributes: .* is above 1"),
    ],
)
def test_invalid_arguments_are_named(change: dict[str, Any], message: str) -> None:
    arguments = {"class_logits": torch.zeros(N, C), "attribute_logits": torch.zeros(N, A)} | BATCH | change
    with pytest.raises(ValueError, match=f"^{message}"):
        Coupling(table())(**arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"matching": "other"}, "matching: expected kl, .* not 'other'"),
        ({"matching": SoftCoAnnotation()}, "matching: expected"),
        ({"co_annotation": "other"}, "co_annotation: expected kl, .*, hard, .* not 'other'"),
        ({"co_annotation": DistributionMatching()}, "co_annotation: expected"),
        ({"relatedness": [0.5]}, "relatedness: expected 2 dimensions, classes x attributes, not 1"),
        ({"relatedness": [[1.5]]}, "relatedness"),
        (
            {"relatedness": "du_2014"},
            "relatedness: du_2014 is not a table; use Relatedness.load",
        ),
        ({"relatedness": [[1, 0], [1]]}, "relatedness: expected one row of numbers per class, all of the same length"),
        ({"relatedness": {"a": 1}}, "relatedness: expected one row of numbers per class"),
        ({"weights": {"other": 1.0}}, "weights: unknown term other; known: distribution_matching"),
        ({"weights": {"soft_co_annotation": -1.0}}, "weights: soft_co_annotation must be 0 or more and finite"),
    ],
)
def test_invalid_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Coupling(**({"relatedness": DU_2014} | options))


def test_the_package_can_be_imported_without_torch() -> None:
    code = "import sys, mien.learn, mien.cli.train; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'Couple'"):
        _ = __import__("mien.learn").learn.Couple
