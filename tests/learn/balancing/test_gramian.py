"""TorchJD's weightings by name: their properties, a reproducible random order, and invalid options."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from mien.learn.balancing import GramianWeights
from mien.learn.balancing.gramian import names

NEEDS: dict[str, dict[str, Any]] = {"CAGrad": {"c": 0.5}, "FairGrad": {"alpha": 1.0}}
HERE = [name for name in names() if name != "CAGrad" or find_spec("cvxpy")]
CONFLICT = np.array([[3.0, 1.0, 0.0], [-1.0, 0.5, 0.0], [0.0, -0.3, 1.0]])


def balancer(name: str, **more: Any) -> GramianWeights:
    return GramianWeights(name, NEEDS.get(name), **more)


def test_available_names() -> None:
    assert {"AlignedMTL", "CAGrad", "DualProj", "FairGrad", "IMTLG", "MGDA", "PCGrad", "UPGrad"} <= {*names()}
    assert not {"GradVac", "PCD", "Krum", "Mean", "ConFIG"} & {*names()}


@pytest.mark.parametrize("name", HERE)
def test_every_weighting_gives_finite_weights(terms: Callable, name: str) -> None:
    weigh = balancer(name)
    means, features = terms(CONFLICT)
    found = weigh(means, features)
    assert found.keys() == means.keys()
    assert all(type(weight) is float and np.isfinite(weight) for weight in found.values())
    del means["t1"]
    assert weigh(means, features).keys() == {"t0", "t2"}
    assert weigh({"t0": means["t0"]}, features)["t0"] > 0


@pytest.mark.parametrize("name", [name for name in HERE if name != "PCGrad"])
def test_the_order_of_the_terms_does_not_matter(terms: Callable, name: str) -> None:
    means, features = terms(CONFLICT)
    there = balancer(name)(means, features)
    assert balancer(name)(dict(reversed(means.items())), features) == pytest.approx(there, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in HERE if name != "FairGrad"])
def test_the_size_of_all_gradients_does_not_matter(terms: Callable, name: str) -> None:
    assert balancer(name)(*terms(CONFLICT * 1e-6)) == pytest.approx(balancer(name)(*terms(CONFLICT)), rel=1e-6)


@pytest.mark.parametrize("name", ["UPGrad", "DualProj", "MGDA"])
def test_no_loss_rises(terms: Callable, name: str) -> None:
    weights = np.array([*balancer(name)(*terms(CONFLICT)).values()])
    assert (CONFLICT @ CONFLICT.sum(0)).min() < 0, "the plain sum would raise one"
    assert (CONFLICT @ (weights @ CONFLICT)).min() > -1e-3


def test_gradients_without_conflict_are_unchanged(terms: Callable) -> None:
    means, features = terms([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.5, 2.0]])
    assert balancer("PCGrad")(means, features) == {"t0": 1.0, "t1": 1.0, "t2": 1.0}
    assert balancer("UPGrad")(means, features) == pytest.approx(dict.fromkeys(means, 1 / 3))


def test_imtl_g_makes_the_projections_equal(terms: Callable) -> None:
    weights = np.array([*balancer("IMTLG")(*terms(CONFLICT)).values()])
    cosines = CONFLICT @ (weights @ CONFLICT) / np.linalg.norm(CONFLICT, axis=1)
    assert weights.sum() == pytest.approx(1)
    assert cosines == pytest.approx([cosines[0]] * 3)


def test_pcgrad_of_two_terms_in_closed_form(terms: Callable) -> None:
    first, second = rows = CONFLICT[:2]
    product = first @ second
    expected = {"t0": 1 - product / (first @ first), "t1": 1 - product / (second @ second)}
    assert balancer("PCGrad")(*terms(rows)) == pytest.approx(expected)


def steps(weigh: GramianWeights, terms: Callable, count: int) -> list[dict[str, float]]:
    rows = np.random.default_rng(0).normal(size=(6, 4))
    return [weigh(*terms(rows)) for _ in range(count)]


def test_the_order_depends_only_on_seed_and_step(terms: Callable) -> None:
    torch.manual_seed(1)
    first = steps(balancer("PCGrad"), terms, 6)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert steps(balancer("PCGrad"), terms, 6) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert any(weights != first[0] for weights in first)
    assert steps(balancer("PCGrad", seed=1), terms, 6) != first


def test_state_survives_json(terms: Callable) -> None:
    whole, first, second = balancer("PCGrad"), balancer("PCGrad"), balancer("PCGrad")
    expected = steps(whole, terms, 6)
    steps(first, terms, 3)
    second.load(json.loads(json.dumps(first.state())))
    assert steps(second, terms, 3) == expected[3:]


def test_a_zero_gradient_gets_the_mean_weight(terms: Callable) -> None:
    means, features = terms([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert balancer("MGDA")(means, features) == pytest.approx(dict.fromkeys(means, 0.5))
    assert balancer("PCGrad")(means, features) == dict.fromkeys(means, 1.0)
    nothing, features = terms([[0.0], [0.0]])
    assert balancer("UPGrad")(nothing, features) == {"t0": 1.0, "t1": 1.0}


def test_fairgrad_depends_on_the_size_of_gradients(terms: Callable) -> None:
    found = balancer("FairGrad")(*terms([[4.0, 0.0], [0.0, 1.0]]))
    assert found == pytest.approx({"t0": 1 / 4, "t1": 1.0}, rel=1e-3)  # G w = 1 / w


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"weighting": "UPgrad"}, "weighting: unknown or unsupported UPgrad; did you mean UPGrad?"),
        ({"weighting": "GradVac"}, "weighting: unknown or unsupported GradVac"),
        ({"weighting": "CAGrad"}, "options.c: required by CAGrad"),
        ({"weighting": "MGDA", "options": {"epsilom": 1.0}}, "options.epsilom: .*; did you mean epsilon?"),
        ({"weighting": "MGDA", "options": {"epsilon": -1.0}}, "options: MGDA: epsilon must be positive"),
        ({"weighting": "AlignedMTL", "options": {"scale_mode": "x"}}, "options: AlignedMTL: Invalid scale_mode"),
        ({"weighting": "FairGrad", "options": {"alpha": "x"}}, "options: FairGrad: "),
        ({"weighting": "UPGrad", "options": {"projector": "x"}}, "options.projector: UPGrad has no such option"),
        ({"seed": -1}, "seed: must be 0 or more, not -1"),
    ],
)
def test_invalid_values_are_rejected(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        GramianWeights(**given)


@pytest.mark.skipif(find_spec("cvxpy") is not None, reason="it is installed")
def test_a_missing_package_is_named() -> None:
    with pytest.raises(ValueError, match=r"weighting: .*cvxpy.* to be installed.*torchjd\[cagrad\]"):
        GramianWeights("CAGrad", {"c": 0.5})
