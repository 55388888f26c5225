"""Margins: closed forms, counts by hand, slow oracles, and inputs that must not make them infinite."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.caf import (
    AdaptiveMargin,
    ConfidenceMargin,
    ConstantMargin,
    InformationMargin,
    LinearMargin,
    ReleasedMargin,
)
from mien.learn.caf.margin import (
    Margin,
    adaptive_counts,
    confidence,
    embedding_correlation,
    information,
    neighbours,
    paired_correlation,
)

MARGINS: list[Margin] = [
    AdaptiveMargin(),
    AdaptiveMargin(correlation="paired"),
    InformationMargin(),
    InformationMargin("paired"),
    InformationMargin(bandwidth=0.3),
    ConfidenceMargin(),
    ConstantMargin(),
    LinearMargin(),
    ReleasedMargin(),
]


def points(seed: int, n: int, d: int = 3, mean: float = 0.0, spread: float = 1.0) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(mean, spread, (n, d)))


@pytest.mark.parametrize("eta", [0.0, 0.3, -0.3, 0.9])
def test_information_is_that_of_two_gaussians(eta: float) -> None:
    found = information(torch.tensor(eta**2, dtype=torch.float64), 2.5)
    # I(X; Y) = h(X) + h(Y) - h(X, Y)
    joint = np.array([[1, eta], [eta, 1]])
    entropies = (
        2 * 0.5 * math.log(2 * math.pi * math.e),
        0.5 * math.log((2 * math.pi * math.e) ** 2 * np.linalg.det(joint)),
    )
    assert float(found) == pytest.approx(entropies[0] - entropies[1], abs=1e-12)


@pytest.mark.parametrize("squared", [1.0, 1 - 1e-12, 1.5])
def test_information_is_clipped_where_it_would_be_infinite(squared: float) -> None:
    assert float(information(torch.tensor(squared, dtype=torch.float64), 2.5)) == pytest.approx(2.5)


def slow_embedding(strong: np.ndarray, weak: np.ndarray, h: float) -> float:
    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([[math.exp(-((x - y) ** 2).sum() / (2 * h**2)) for y in b] for x in a]))

    return mean(strong, weak) / math.sqrt(mean(strong, strong) * mean(weak, weak))


@pytest.mark.parametrize("bandwidth", [0.5, 1.0, None])
def test_embedding_correlation_agrees_with_its_definition(bandwidth: float | None) -> None:
    strong, weak = points(0, 7), points(1, 5, mean=0.5)
    both = torch.cat([strong, weak]).numpy()
    distances = [np.linalg.norm(a - b) for i, a in enumerate(both) for b in both[i + 1 :]]
    h = bandwidth or float(np.sort(distances)[(len(distances) - 1) // 2])  # torch returns the lower median
    expected = slow_embedding(strong.numpy(), weak.numpy(), h)
    assert float(embedding_correlation(strong, weak, bandwidth)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("shift", "spread", "h"), [(0.0, 0.5, 1.0), (1.0, 0.5, 1.0), (2.0, 0.3, 0.7)])
def test_embedding_correlation_of_two_gaussians(shift: float, spread: float, h: float) -> None:
    strong, weak = points(0, 3000, 2, 0.0, spread), points(1, 3000, 2, shift, spread)
    expected = math.exp(-2 * shift**2 / (2 * (h**2 + 2 * spread**2)))
    assert float(embedding_correlation(strong, weak, h)) == pytest.approx(expected, abs=0.02)


def test_embedding_correlation_is_1_for_equal_groups_and_0_for_distant_ones() -> None:
    strong = points(0, 20)
    assert float(embedding_correlation(strong, strong.clone(), None)) == pytest.approx(1)
    assert float(embedding_correlation(strong, strong + 1e4, 1.0)) == pytest.approx(0)
    assert float(embedding_correlation(strong, strong[torch.randperm(20)], 1.0)) == pytest.approx(1)


@pytest.mark.parametrize("bandwidth", [0.5, None])
def test_paired_correlation_is_pearsons(bandwidth: float | None) -> None:
    strong, weak = points(0, 6), points(1, 4)
    x, y = strong[:4].numpy(), weak.flip(0).numpy()
    values = np.concatenate([x.ravel(), y.ravel()])
    h = bandwidth or float(np.sort(np.abs(values))[(len(values) - 1) // 2])
    expected = np.corrcoef(np.exp(-(x**2) / (2 * h**2)).ravel(), np.exp(-(y**2) / (2 * h**2)).ravel())[0, 1]
    assert float(paired_correlation(strong, weak, bandwidth)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "k", "c"), [(64, 8, 0.05), (10, 1, 0.5)])
def test_confidence_is_the_logarithm_of_the_root(n: int, k: int, c: float) -> None:
    found = confidence(n, torch.tensor(float(k), dtype=torch.float64), c)
    assert float(found) == pytest.approx(math.log((n / c) ** (1 / (2 * k))))


def test_confidence_is_finite_without_any_neighbour() -> None:
    assert float(confidence(64, torch.tensor(0.0), 0.05)) == pytest.approx(math.log(64 / 0.05) / 2, rel=1e-6)


def test_neighbours_are_ordered_by_distance_then_index() -> None:
    line = torch.tensor([[0.0], [1.0], [1.0], [3.0]])
    assert neighbours(line).tolist() == [[1, 2, 3], [2, 0, 3], [1, 0, 3], [1, 2, 0]]


def test_counts_by_hand() -> None:
    """On a line: strong at 0, 1, 2, weak at 10, 11 and one among the strong at 0.4."""
    strong, weak = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[10.0], [11.0], [0.4]])
    thresholds = torch.tensor([0.6, 0.4, 0.3, 0.2, 0.1])  # k = 1 is never enough: the bias is at most 1/2
    # 0.0: w s -> 0; s w s -> 1/6; s w s s... by hand, each sample's neighbours and the biases of k = 2, 3, 4, 5:
    # 0.0: w s s w w -> 0, 1/6, 0, 1/10
    # 1.0: w s s w w -> 0, 1/6, 0, 1/10
    # 2.0: s w s w w -> 0, 1/6, 0, 1/10
    # 10.: w s s w s -> 0, 1/6, 0, 1/10        (11; 2; 1; 0.4; 0)
    # 11.: w s s w s -> 0, 1/6, 0, 1/10
    # 0.4: s s s w w -> 1/2, 1/2, 1/4, 1/10
    assert adaptive_counts(strong, weak, thresholds).tolist() == [5, 5, 5, 5, 5, 2]
    lower = torch.tensor([0.6, 0.4, 0.15, 0.2, 0.1])
    assert adaptive_counts(strong, weak, lower).tolist() == [3, 3, 3, 3, 3, 2]
    reached = torch.tensor([0.5, 1.0, 1.0, 1.0, 1.0])
    assert adaptive_counts(strong, weak, reached).tolist() == [5] * 6, "a bias must exceed the threshold"


def slow_counts(strong: np.ndarray, weak: np.ndarray, thresholds: np.ndarray) -> list[int]:
    both = np.concatenate([strong, weak])
    is_strong = [True] * len(strong) + [False] * len(weak)
    counts = []
    for a in range(len(both)):
        others = sorted((b for b in range(len(both)) if b != a), key=lambda b: (np.linalg.norm(both[a] - both[b]), b))
        found = len(both) - 1
        for k in range(1, len(both)):
            share = sum(is_strong[b] for b in others[:k]) / k
            if max(share, 1 - share) - 0.5 > thresholds[k - 1]:
                found = k
                break
        counts.append(found)
    return counts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("apart", [0.0, 4.0])
def test_counts_and_confidence_agree_with_the_slow_loop(seed: int, apart: float) -> None:
    strong, weak = points(seed, 9), points(seed + 50, 7, mean=apart)
    thresholds = np.array([math.log(16 / 0.05) / (2 * k) for k in range(1, 16)])
    counts = slow_counts(strong.numpy(), weak.numpy(), thresholds)
    assert adaptive_counts(strong, weak, torch.tensor(thresholds)).tolist() == counts
    expected = math.log(16 / 0.05) / (2 * np.mean(counts))
    assert float(ConfidenceMargin().between(strong, weak, 0)) == pytest.approx(expected)


def test_confidence_grows_and_information_falls_with_distance() -> None:
    """Figure 2 of papers/001."""
    near, far = ((points(0, 30), points(1, 30, mean=apart)) for apart in (0.0, 5.0))
    assert ConfidenceMargin().between(*far, 0) > 1.5 * ConfidenceMargin().between(*near, 0)
    assert InformationMargin().between(*far, 0) < 0.5 * InformationMargin().between(*near, 0)


def test_adaptive_is_the_sum_and_the_logarithm_of_the_product() -> None:
    strong, weak = points(0, 8), points(1, 6, mean=1.0)
    eta = float(embedding_correlation(strong, weak, None))
    n, k = (
        14,
        float(np.mean(slow_counts(strong.numpy(), weak.numpy(), [math.log(280) / (2 * k) for k in range(1, 14)]))),
    )
    product = (1 - eta**2) ** -0.5 * (n / 0.05) ** (1 / (2 * k))
    assert float(AdaptiveMargin().between(strong, weak, 0)) == pytest.approx(math.log(product))


def test_constant_and_linear_margins() -> None:
    strong, weak = points(0, 3), points(1, 2)
    assert float(ConstantMargin().between(strong, weak, 7)) == pytest.approx(0.2)
    assert [float(LinearMargin().between(strong, weak, epoch)) for epoch in (0, 10)] == pytest.approx([0.1, 0.15])


def test_the_released_margin_agrees_with_the_slow_loop() -> None:
    strong, weak = points(0, 5, spread=0.7), points(1, 5, spread=0.7)
    x, y = strong.numpy(), weak.numpy()[::-1]
    thresholds = np.array([0.7 / math.sqrt(k) for k in range(1, 10)])
    counts = slow_counts(x, weak.numpy(), thresholds)[:5]
    expected = []
    for i in range(5):
        given, below, above = (np.exp(-((y[i] - to) ** 2) / 0.4) for to in (x[i], -1, 1))
        term = np.mean(np.log(given / (0.5 * below + 0.5 * above)))
        expected.append(np.clip(term, 0, 2.5) + 0.7 / math.sqrt(counts[i] - 1))
    assert ReleasedMargin().between(strong, weak, 0).tolist() == pytest.approx(expected)


def test_the_released_margin_uses_mirrored_pairs() -> None:
    strong = points(0, 5, spread=0.7)
    weak = strong[:3].flip(0)  # each of three mirrored pairs coincides, so no first term is clipped to 0
    found, alone = (ReleasedMargin(scale=1e-9).between(group, weak, 0) for group in (strong, strong[:3]))
    assert (alone > 1e-6).all()
    torch.testing.assert_close(found[:3], alone, rtol=0, atol=1e-8)


HARD = {
    "constant": (torch.full((4, 16), 0.3), torch.full((3, 16), 0.3)),
    "zeros": (torch.zeros(2, 16), torch.zeros(1, 16)),
    "one weak": (points(0, 2).float(), points(1, 1).float()),
    "spread 5": (points(0, 30, 16, spread=5.0).float(), points(1, 40, 16, spread=5.0).float()),
    "far apart": (points(0, 5).float(), points(1, 5, mean=1e6).float()),
    "tiny": (points(0, 5, spread=1e-20).float(), points(1, 5, spread=1e-20).float()),
}


@pytest.mark.parametrize("margin", MARGINS, ids=str)
@pytest.mark.parametrize("case", HARD)
def test_every_margin_is_finite_and_has_no_gradient(margin: Margin, case: str) -> None:
    strong, weak = (group.clone().requires_grad_() for group in HARD[case])
    found = margin.between(strong, weak, 3)
    assert found.shape in ((), (len(strong),))
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AdaptiveMargin(c=0.0), r"c must be in \(0, 1\]"),
        (lambda: AdaptiveMargin(largest=0.0), "largest must be above 0"),
        (lambda: InformationMargin(bandwidth=-1.0), "bandwidth must be above 0"),
        (lambda: ConstantMargin(float("nan")), "value must be above 0"),
        (lambda: LinearMargin(slope=0.0), "slope must be above 0"),
        (lambda: ReleasedMargin(variance=0.0), "variance must be above 0"),
    ],
)
def test_invalid_options_are_rejected(wrong: type, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
