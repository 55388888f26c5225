"""Exact solutions of two small quadratic programs over a Gramian, as non-negative least squares.

Both need only the T x T Gramian G of the T gradients. T, the number of terms, is small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Matrix = NDArray[np.float64]


def min_norm(gramian: Matrix) -> Matrix:
    """The T weights a >= 0, sum 1, that minimise ``a' G a``: the shortest vector in the convex hull.

    Least squares of ``x' G x + (sum x - 1)^2`` over x >= 0 has the solution ``x = s a`` with s = sum x: on its support
    the gradient gives ``(G a)_i = (1 - s) / s``, elsewhere at least that, which are the conditions of the minimum.
    """
    root = _root(gramian)
    x = _solve(np.vstack([root, np.ones(len(root))]), np.append(np.zeros(len(root)), 1.0))
    weights: Matrix = x / x.sum()
    return weights


def dual_cone(weights: Matrix, gramian: Matrix) -> Matrix:
    """The T weights v >= u that minimise ``v' G v``, u being ``weights``.

    ``sum_i v_i g_i`` is the projection of ``sum_i u_i g_i`` onto the directions that conflict with no gradient
    (Quinton and Rey 2024, proposition 1).
    """
    root = _root(gramian)
    return weights + _solve(root, -root @ weights)


def _root(gramian: Matrix) -> Matrix:
    """R with ``R' R = G``; eigenvalues that rounding made negative count as 0."""
    values, vectors = np.linalg.eigh(gramian)
    root: Matrix = np.sqrt(values.clip(min=0.0))[:, None] * vectors.T
    return root


def _solve(matrix: Matrix, right: Matrix) -> Matrix:
    """The ``x >= 0`` that minimises ``|matrix x - right|``."""
    solution: Matrix = nnls(matrix, right)[0]
    return solution
