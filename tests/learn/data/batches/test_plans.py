"""Plans: how many rows of each set are in a step, and which."""

import numpy as np
import pytest

from mien.learn.data.batches.plans import Aligned, Drawn


def test_the_papers_sizes() -> None:
    """AU-Set, VA-Set and EXPR-Set in batches of 200, 124 and 52: an epoch covers the one that takes longest."""
    plan = Aligned((2000, 1240, 530), (200, 124, 52))
    assert plan.steps == 11
    assert [len(plan.positions(index, 0)) for index in range(3)] == [200, 124, 52]
    assert [len(plan.positions(index, 10)) for index in range(3)] == [200, 124, 10]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, [0.8, 0.16, 0.04]), (2.0, [0.5985, 0.2677, 0.1338]), (1e9, [1 / 3, 1 / 3, 1 / 3])],
)
def test_probabilities_are_lengths_to_the_power_of_one_over_the_temperature(
    temperature: float, expected: list[float]
) -> None:
    assert Drawn((2000, 400, 100), 100, temperature, 0).probabilities.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "plan", [Aligned((2000, 1240, 530), (200, 124, 52)), Aligned((90, 7), (10, 10)), Drawn((50, 20), 8, 2.0, 1)]
)
def test_the_average_number_of_rows_in_a_step(plan: Aligned | Drawn) -> None:
    sets = range(len(plan.lengths))
    counts = np.array([[len(plan.positions(index, step)) for index in sets] for step in range(200 * plan.steps)])
    np.testing.assert_allclose(plan.per_step, counts.mean(0), rtol=0.02)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_sets_are_drawn_as_often_as_their_probability(temperature: float) -> None:
    plan = Drawn((5000, 800, 200), 64, temperature, 3)
    assert plan.steps == 94
    counts = np.array([[len(plan.positions(index, step)) for index in range(3)] for step in range(20 * 94)])
    assert (counts.sum(1) == 64).all()
    np.testing.assert_allclose(counts.mean(0) / 64, plan.probabilities, atol=0.01)
    assert (counts.std(0) > 0.5).all()


def test_positions_have_no_gaps_and_do_not_depend_on_earlier_steps() -> None:
    walked, jumped = Drawn((50, 20), 8, 2.0, 1), Drawn((50, 20), 8, 2.0, 1)
    steps = 3 * walked.steps + 2
    history = [[walked.positions(index, step).tolist() for index in (0, 1)] for step in range(steps)]
    for index in (0, 1):
        together = [position for step in history for position in step[index]]
        assert together == list(range(len(together)))
        assert len(together) > steps
    for step in (steps - 1, 4, 11, steps - 2, 0):
        assert [jumped.positions(index, step).tolist() for index in (0, 1)] == history[step]
    other = Drawn((50, 20), 8, 2.0, 2)
    assert [[other.positions(index, step).tolist() for index in (0, 1)] for step in range(steps)] != history


def test_other_lengths_keep_the_rest() -> None:
    assert Aligned((10, 20), (3, 4)).over((5, 6)) == Aligned((5, 6), (3, 4))
    plan = Drawn((10, 20), 8, 2.0, 5).over((100, 1))
    assert (plan.lengths, plan.size, plan.temperature, plan.seed) == ((100, 1), 8, 2.0, 5)
