"""The two quadratic programs against an exhaustive search over supports."""

import itertools

import numpy as np
import pytest

from mien.learn.balancing.nonnegative import dual_cone, min_norm


def supports(size: int) -> list[list[int]]:
    return [list(chosen) for k in range(size + 1) for chosen in itertools.combinations(range(size), k)]


def min_norm_by_trial(gramian: np.ndarray) -> np.ndarray:
    found = []
    for chosen in supports(len(gramian))[1:]:
        a = np.zeros(len(gramian))
        a[chosen] = np.linalg.solve(gramian[np.ix_(chosen, chosen)], np.ones(len(chosen)))
        a /= a.sum()
        if (a >= 0).all():
            found.append(a)
    return min(found, key=lambda a: a @ gramian @ a)


def dual_cone_by_trial(wanted: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    found = []
    for free in supports(len(gramian)):
        held = [row for row in range(len(gramian)) if row not in free]
        v = wanted.copy()
        v[free] = np.linalg.solve(gramian[np.ix_(free, free)], -gramian[np.ix_(free, held)] @ wanted[held])
        if (v >= wanted - 1e-12).all():
            found.append(v)
    return min(found, key=lambda v: v @ gramian @ v)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_against_every_support(size: int) -> None:
    for seed in range(20):
        generator = np.random.default_rng(seed)
        rows = generator.normal(size=(size, 8)) + generator.normal(size=8) * (seed % 3) / 2
        gramian = rows @ rows.T
        np.testing.assert_allclose(min_norm(gramian), min_norm_by_trial(gramian), atol=1e-9)
        wanted = generator.uniform(size=size)
        np.testing.assert_allclose(dual_cone(wanted, gramian), dual_cone_by_trial(wanted, gramian), atol=1e-9)


def test_linearly_dependent_gradients() -> None:
    for rows in ([[1, 0], [1, 0]], [[1, 0], [-1, 0]], [[1, 0], [0, 1], [-1, -1]], [[2, 1], [4, 2], [-1, 3]]):
        gramian = np.array(rows, float) @ np.array(rows, float).T
        a = min_norm(gramian)
        assert a.sum() == pytest.approx(1)
        assert (a >= 0).all()
        assert (gramian @ a).min() == pytest.approx(a @ gramian @ a, abs=1e-9)
        direction = np.array(rows).T @ dual_cone(np.full(len(rows), 0.5), gramian)
        assert (np.array(rows) @ direction >= -1e-9).all()
