"""Gaussians over valence and arousal: checked, saved, loaded, and inferred from partly labelled rows."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.relatedness.affect_prior import NAMED, RUSSELL_1977, AffectPrior, infer_affect_prior
from mien.tasks import EXPRESSION


def same(one: AffectPrior, other: AffectPrior) -> bool:
    arrays = ("means", "covariances", "class_prior")
    return (one.class_labels, one.source) == (other.class_labels, other.source) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def test_russell_1977_agrees_with_the_quoted_numbers() -> None:
    assert RUSSELL_1977.class_labels == EXPRESSION.labels
    means = dict(zip(EXPRESSION.labels, RUSSELL_1977.means.tolist(), strict=True))
    assert means["happiness"] == [0.81, 0.51]
    assert means["sadness"] == [-0.63, -0.27]
    assert means["neutral"] == [0, 0]
    assert all(means[label][0] < 0 < means[label][1] for label in ("fear", "anger"))
    happiness = RUSSELL_1977.covariances[EXPRESSION.labels.index("happiness")]
    np.testing.assert_allclose(happiness, [[0.21**2, 0], [0, 0.26**2]])


@pytest.mark.parametrize("name", NAMED)
def test_priors_are_loaded_by_name_and_from_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / "prior.json"
    path.write_text(json.dumps(NAMED[name].to_dict()))
    assert same(AffectPrior.load(str(path)), NAMED[name])
    assert AffectPrior.load(name) is NAMED[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"means": [[0.0, 0.0]]}, "affect prior means: shape (1, 2), expected (7, 2)"),
        ({"means": [[2.0, 0.0]] * 7}, "affect prior means: valence and arousal must be in [-1, 1]"),
        ({"means": [[float("nan"), 0.0]] * 7}, "affect prior means: all values must be finite"),
        ({"means": [[0.0]] + [[0.0, 0.0]] * 6}, "affect prior: "),
        ({"covariances": [[[1.0, 2.0], [2.0, 1.0]]] * 7}, "covariances: each must be symmetric and positive definite"),
        ({"covariances": [[[1.0, 0.5], [0.0, 1.0]]] * 7}, "covariances: each must be symmetric and positive definite"),
        ({"class_prior": [0.5] * 7}, "affect prior class_prior: must be positive shares that sum to 1"),
    ],
)
def test_numbers_that_are_no_gaussian_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "prior.json"
    path.write_text(json.dumps(RUSSELL_1977.to_dict() | change))
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
        AffectPrior.load(str(path))


def test_files_without_a_prior_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "prior.json"
    for text, message in (("[1]", "must be a JSON object"), ("{}", "missing means"), ("{", "cannot be read")):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            AffectPrior.load(str(path))
    with pytest.raises(ValueError, match="cannot be read"):
        AffectPrior.load(str(tmp_path / "none.json"))
    with pytest.raises(
        ValueError, match=r"^russel: no such affect prior, and not a \.json file; did you mean russell_1977\?$"
    ):
        AffectPrior.load("russel")


def rows(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two classes with known Gaussians; a third of them has no class, and a third no arousal."""
    draw = np.random.default_rng(seed)
    index = draw.integers(0, 2, n).astype(float)
    values = np.where(
        index[:, None] == 0,
        draw.multivariate_normal([0.5, 0.2], [[0.04, 0.02], [0.02, 0.03]], n),
        draw.multivariate_normal([-0.4, 0.1], [[0.01, 0.0], [0.0, 0.09]], n),
    )
    index[draw.random(n) < 1 / 3] = np.nan
    values[draw.random(n) < 1 / 3, 1] = np.nan
    return index, values


def test_inference_agrees_with_a_loop_over_the_rows() -> None:
    index, values = rows()
    found = infer_affect_prior(("a", "b"), index, values, shrinkage=5.0, floor=0.1)
    members: list[list[np.ndarray]] = [[], []]
    for c, point in zip(index, values, strict=True):
        if not np.isnan(c) and not np.isnan(point).any():
            members[int(c)].append(point)
    shared = np.zeros((2, 2))
    for points in members:
        for point in points:
            deviation = point - np.mean(points, 0)
            shared += np.outer(deviation, deviation) / sum(map(len, members))
    for c, points in enumerate(members):
        mean = np.mean(points, 0)
        own = sum(np.outer(point - mean, point - mean) for point in points)
        np.testing.assert_allclose(found.means[c], mean)
        np.testing.assert_allclose(
            found.covariances[c], (own + 5 * shared) / (len(points) + 5) + 0.01 * np.eye(2), rtol=1e-9
        )
        assert found.class_prior[c] == pytest.approx((len(points) + 1) / (sum(map(len, members)) + 2))


def test_many_rows_recover_the_gaussians_they_were_drawn_from() -> None:
    found = infer_affect_prior(("a", "b"), *rows(20_000), floor=0.001)
    np.testing.assert_allclose(found.means, [[0.5, 0.2], [-0.4, 0.1]], atol=0.02)
    np.testing.assert_allclose(found.covariances[0], [[0.04, 0.02], [0.02, 0.03]], atol=0.004)


def test_rows_without_a_label_are_ignored() -> None:
    index, values = rows()
    more = np.concatenate([index, [np.nan, 0, -1]]), np.concatenate([values, [[0.9, 0.9], [np.nan, 0.9], [0.9, 0.9]]])
    assert same(infer_affect_prior(("a", "b"), *more), infer_affect_prior(("a", "b"), index, values))


def test_equal_rows_still_give_a_gaussian() -> None:
    found = infer_affect_prior(("a", "b"), [0] * 10 + [1] * 10, np.zeros((20, 2)))
    np.testing.assert_allclose(found.covariances[0], 0.0025 * np.eye(2))


@pytest.mark.parametrize(
    ("index", "affect", "options", "message"),
    [
        ([0, 0, 1], [[0, 0]] * 3, {"minimum_support": 2}, "b has 1 rows with valence and arousal, but needs 2"),
        ([0, 1, 2], [[0, 0]] * 3, {}, "class index 2, but there are 2 classes"),
        ([0, 1], [[0, 0]] * 3, {}, r"shapes \(2,\) and \(3, 2\), expected N and N x 2"),
        ([0, 1], [[0, 0]] * 2, {"floor": 0.0}, "floor must be above 0"),
        ([0, 1], [[0, 0]] * 2, {"shrinkage": -1.0}, "shrinkage at least 0"),
        ([0, 1], [[0, 0]] * 2, {"minimum_support": 0}, "minimum_support at least 1"),
    ],
)
def test_invalid_rows_and_settings_are_refused(
    index: list[int], affect: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        infer_affect_prior(("a", "b"), index, affect, **options)
