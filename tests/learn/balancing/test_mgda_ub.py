"""MGDA-UB: the conditions of the minimum, closed forms, and small gradients."""

from collections.abc import Callable

import numpy as np
import pytest

from mien.learn.balancing import MgdaUb

SOLVERS = ["frank_wolfe", "exact"]


def rows_of(seed: int, size: int) -> np.ndarray:
    """Gradients that agree more or less and differ in size."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(size, 12)) + generator.normal(size=12) * (seed % 3) / 2
    return np.asarray(rows * generator.uniform(0.2, 2, (size, 1)))


@pytest.mark.parametrize(("solver", "gap"), [("frank_wolfe", 2e-3), ("exact", 1e-12)])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_conditions_of_the_minimum(terms: Callable, solver: str, gap: float, size: int) -> None:
    for seed in range(5):
        rows = rows_of(seed, size)
        weights = np.array([*MgdaUb(solver=solver)(*terms(rows)).values()])
        products = rows @ rows.T @ weights
        assert weights.sum() == pytest.approx(1)
        assert (weights >= 0).all()
        # no gradient's product with the vector is below the vector's own; those with a weight have no larger one
        assert weights @ products - products.min() <= gap * np.trace(rows @ rows.T)


def test_the_two_solvers_agree(terms: Callable) -> None:
    for seed in range(5):
        rows = rows_of(seed, 4)
        first, second = (MgdaUb(solver=solver)(*terms(rows)) for solver in SOLVERS)
        assert first == pytest.approx(second, abs=5e-3)


@pytest.mark.parametrize(("solver", "close"), [("frank_wolfe", 5e-3), ("exact", 1e-12)])
def test_the_order_of_the_terms_does_not_matter(terms: Callable, solver: str, close: float) -> None:
    balancer = MgdaUb(solver=solver)
    means, features = terms(rows_of(3, 5))
    there = balancer(means, features)
    back = balancer(dict(reversed(means.items())), features)
    assert back == pytest.approx(there, abs=close)


@pytest.mark.parametrize("solver", SOLVERS)
def test_closed_form_of_two_terms(terms: Callable, solver: str) -> None:
    for seed in range(10):
        first, second = rows = rows_of(seed, 2)
        share = np.clip((second - first) @ second / ((first - second) @ (first - second)), 0, 1)
        found = MgdaUb(solver=solver)(*terms(rows))
        assert found == pytest.approx({"t0": share, "t1": 1 - share}, abs=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_terms_in_conflict_both_descend(terms: Callable, solver: str) -> None:
    first, second = rows = np.array([[3.0, 1.0], [-1.0, 0.5]])
    assert first @ second < 0
    assert first @ (first + second) > 0 > second @ (first + second), "the plain sum raises the second"
    weights = MgdaUb(solver=solver)(*terms(rows))
    direction = weights["t0"] * first + weights["t1"] * second
    assert first @ direction == pytest.approx(direction @ direction)
    assert second @ direction == pytest.approx(direction @ direction)
    assert direction @ direction > 0.1


def test_a_small_gradient_takes_the_weight_unless_it_is_normalised(terms: Callable) -> None:
    means, features = terms([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.01]])
    plain = MgdaUb(solver="exact")(means, features)
    assert plain["t2"] == pytest.approx(1e4 / (1e4 + 2))  # orthogonal: by the inverse of the squared norm
    assert [*MgdaUb(normalise="l2", solver="exact")(means, features).values()] == pytest.approx([1 / 3] * 3)


def test_a_zero_gradient_does_not_take_all_the_weight(terms: Callable) -> None:
    means, features = terms([[2.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    for normalise in ("none", "l2", "loss+"):
        found = MgdaUb(normalise=normalise, solver="exact")(means, features)
        share = {"none": 1 / 5, "l2": 1 / 2, "loss+": 1 / 2}[normalise]
        assert found == pytest.approx({"t0": share * 2 / 3, "t1": 1 / 3, "t2": (1 - share) * 2 / 3})
    nothing, features = terms([[0.0], [0.0]])
    assert MgdaUb()(nothing, features) == {"t0": 0.5, "t1": 0.5}


def test_gradients_are_normalised_as_in_the_authors_code(terms: Callable) -> None:
    rows, values = rows_of(2, 3), [0.5, 2.0, 1.5]
    norms = np.linalg.norm(rows, axis=1)
    for normalise, sizes in {"l2": norms, "loss": np.array(values), "loss+": norms * values}.items():
        found = MgdaUb(normalise=normalise, solver="exact")(*terms(rows, values))
        by_hand = MgdaUb(solver="exact")(*terms(rows / sizes[:, None]))
        assert found == pytest.approx(by_hand, abs=1e-6)


def test_the_size_of_all_gradients_does_not_matter(terms: Callable) -> None:
    rows = rows_of(1, 3)
    for solver in SOLVERS:
        balancer = MgdaUb(solver=solver)
        assert balancer(*terms(rows * 1e-9)) == pytest.approx(balancer(*terms(rows)), abs=1e-9)


def test_scale_mean(terms: Callable) -> None:
    rows = rows_of(0, 4)
    found = MgdaUb(scale="mean")(*terms(rows))
    assert sum(found.values()) == pytest.approx(4)
    assert found == pytest.approx({name: 4 * weight for name, weight in MgdaUb()(*terms(rows)).items()})


def test_only_present_terms_are_weighted(terms: Callable) -> None:
    means, features = terms(rows_of(0, 3))
    del means["t1"]
    assert MgdaUb()(means, features).keys() == {"t0", "t2"}
    del means["t2"]
    assert MgdaUb()(means, features) == {"t0": 1.0}


def test_there_is_no_state() -> None:
    balancer = MgdaUb(epsilon=1e-4)
    balancer.load(balancer.state())
    assert balancer.state() == {}
    assert balancer == MgdaUb(epsilon=1e-4)


def test_invalid_values_are_rejected(terms: Callable) -> None:
    with pytest.raises(ValueError, match="normalise must be one of none, l2, loss, loss\\+, not 'l3'"):
        MgdaUb(normalise="l3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epsilon: must be above 0, not 0"):
        MgdaUb(epsilon=0)
    with pytest.raises(ValueError, match="max_iters: must be above 0, not -1"):
        MgdaUb(max_iters=-1)
    with pytest.raises(ValueError, match=r"normalise: loss needs losses of 0 or more, but t1 is -0\.5"):
        MgdaUb(normalise="loss")(*terms(np.eye(2), [1.0, -0.5]))
