"""The named tables against Table 1 of papers/003 and of papers/002, transcribed here as printed."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mien.relatedness.table import AFF_WILD2, AFF_WILD2_002, DU_2014, NAMED, Relatedness
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, Kind, Task

# emotion | prototypical AUs | observational AUs (with weights w) | Aff-Wild2 AUs (with weights w)
TABLE_1 = """
happiness | 12, 25 | 6 (0.51) | 12 (0.82), 25 (0.7), 6 (0.57), 7 (0.83), 10 (0.63)
sadness | 4, 15 | 1 (0.6), 6 (0.5), 11 (0.26), 17 (0.67) | 4 (0.53), 15 (0.42), 1 (0.31), 7 (0.13), 17 (0.1)
fear | 1, 4, 20, 25 | 2 (0.57), 5 (0.63), 26 (0.33) | 1 (0.52), 4 (0.4), 25 (0.85), 5 (0.38), 7 (0.57), 10 (0.57)
anger | 4, 7, 24 | 10 (0.26), 17 (0.52), 23 (0.29) | 4 (0.65), 7 (0.45), 25 (0.4), 10 (0.33), 9 (0.15)
surprise | 1, 2, 25, 26 | 5 (0.66) | 1 (0.38), 2 (0.37), 25 (0.85), 26 (0.3), 5 (0.5), 7 (0.2)
disgust | 9, 10, 17 | 4 (0.31), 24 (0.26) | 9 (0.21), 10 (0.85), 17 (0.23), 4 (0.6), 7 (0.75), 25 (0.8)
"""
TABLE_1_002 = """
happiness | 12, 25 | 6 (0.51) | 12 (0.82), 25 (0.7), 6 (0.57), 7 (0.83), 10 (0.63)
sadness | 4, 15 | 1 (0.6), 6 (0.5), 11 (0.26), 17 (0.67) | 4 (0.53), 15 (0.42), 1 (0.31), 7 (0.13)
fear | 1, 4, 20, 25 | 2 (0.57), 5 (0.63), 26 (0.33) | 1 (0.52), 4 (0.4), 25 (0.85), 7 (0.57), 10 (0.57)
anger | 4, 7, 24 | 10 (0.26), 17 (0.52), 23 (0.29) | 4 (0.65), 7 (0.45), 25 (0.4), 10 (0.33)
surprise | 1, 2, 25, 26 | 5 (0.66) | 1 (0.38), 2 (0.37), 25 (0.85), 26 (0.3), 5 (0.5), 7 (0.2)
disgust | 9, 10, 17 | 4 (0.31), 24 (0.26) | 10 (0.85), 4 (0.6), 7 (0.75), 25 (0.8)
"""
NOT_PREDICTED = "AU11"

Weights = dict[tuple[str, str], float]


def printed(text: str = TABLE_1) -> tuple[Weights, Weights, set[tuple[str, str]]]:
    """(class, AU) -> weight of the study and of Aff-Wild2, and which pairs are prototypical."""
    study: Weights = {}
    empirical: Weights = {}
    prototypical = set()
    for line in text.strip().splitlines():
        emotion, always, observed, in_the_wild = (cell.strip() for cell in line.split("|"))
        for number in always.split(","):
            study[emotion, f"AU{int(number):02d}"] = 1.0
            prototypical.add((emotion, f"AU{int(number):02d}"))
        for cell, table in ((observed, study), (in_the_wild, empirical)):
            for number, weight in re.findall(r"(\d+) \(([\d.]+)\)", cell):
                table[emotion, f"AU{int(number):02d}"] = float(weight)
    del study["sadness", NOT_PREDICTED]
    return study, empirical, prototypical


def cells(relatedness: Relatedness) -> Weights:
    rows, columns = np.nonzero(relatedness.weights)
    return {
        (relatedness.class_labels[row], relatedness.attribute_labels[column]): float(relatedness.weights[row, column])
        for row, column in zip(rows, columns, strict=True)
    }


def test_du_2014_agrees_with_the_printed_table() -> None:
    study, _, prototypical = printed()
    assert len(study) == 31
    assert cells(DU_2014) == study
    rows, columns = np.nonzero(DU_2014.prototypical)
    found = {(EXPRESSION.labels[row], ACTION_UNITS.labels[column]) for row, column in zip(rows, columns, strict=True)}
    assert found == prototypical


def test_aff_wild2_agrees_with_the_printed_table_and_has_no_prototypes() -> None:
    _, empirical, _ = printed()
    assert len(empirical) == 33
    assert cells(AFF_WILD2) == empirical
    assert not AFF_WILD2.prototypical.any()


def test_the_table_of_papers_002_lacks_five_cells() -> None:
    study, empirical, _ = printed(TABLE_1_002)
    assert study == printed()[0]
    assert cells(AFF_WILD2_002) == empirical
    gone = {("sadness", "AU17"), ("fear", "AU05"), ("anger", "AU09"), ("disgust", "AU09"), ("disgust", "AU17")}
    assert empirical == {cell: weight for cell, weight in cells(AFF_WILD2).items() if cell not in gone}
    assert len(empirical) == 28


@pytest.mark.parametrize("name", sorted(NAMED))
def test_nothing_belongs_to_neutral(name: str) -> None:
    belongs = NAMED[name].belongs
    assert not belongs[EXPRESSION.labels.index("neutral")].any()
    assert belongs.any(1).sum() == 6


def test_prototypical_weights_are_1() -> None:
    assert (DU_2014.weights[DU_2014.prototypical] == 1).all()
    assert (DU_2014.weights[DU_2014.belongs & ~DU_2014.prototypical] < 1).all()


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_table_survives_json(name: str) -> None:
    data = json.loads(json.dumps(NAMED[name].to_dict()))
    assert np.array_equal(data["weights"], NAMED[name].weights)
    assert np.array_equal(data["prototypical"], NAMED[name].prototypical)
    assert (tuple(data["class_labels"]), tuple(data["attribute_labels"])) == (EXPRESSION.labels, ACTION_UNITS.labels)
    assert (data["classes"], data["attributes"]) == ("expression", "action_units")
    assert "Table 1" in data["source"]


def test_a_weight_outside_0_to_1_is_refused() -> None:
    for wrong in (-0.1, 1.1, np.nan):
        weights = DU_2014.weights.copy()
        weights[0, 0] = wrong
        with pytest.raises(ValueError, match=r"must be in \[0, 1\]; row neutral, column AU01 has "):
            replace(DU_2014, weights=weights)


def test_a_prototypical_weight_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="prototypical attribute has weight 1"):
        replace(AFF_WILD2, prototypical=AFF_WILD2.belongs)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"relatedness prototypical: shape \(17, 7\), expected \(7, 17\)"):
        replace(DU_2014, prototypical=DU_2014.prototypical.T)


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^unknown class: joy$"):
        Relatedness.from_table(EXPRESSION, ACTION_UNITS, {"joy": ("AU12",)}, {}, "made up")


def test_other_label_spaces_are_refused() -> None:
    DU_2014.check((AFFECT, ACTION_UNITS, EXPRESSION))
    with pytest.raises(ValueError, match="the couplings need the task action_units"):
        DU_2014.check((EXPRESSION,))
    reversed_labels = Task("expression", Kind.CLASSES, EXPRESSION.labels[::-1], EXPRESSION.meanings)
    with pytest.raises(ValueError, match="relatedness is over expression"):
        DU_2014.check((reversed_labels, ACTION_UNITS))


def test_tables_over_another_label_space() -> None:
    kind = Task("kind", Kind.CLASSES, ("boot", "sandal"), ("", ""))
    parts = Task("parts", Kind.ATTRIBUTES, ("laces", "strap"), ("", ""))
    table = Relatedness.from_table(kind, parts, {"sandal": ("strap",)}, {"boot": {"laces": 0.7}}, "the shop")
    assert table.weights.tolist() == [[0.7, 0], [0, 1]]
    assert table.prototypical.tolist() == [[False, False], [False, True]]
    assert table.belongs.tolist() == [[True, False], [False, True]]
    table.check((kind, parts))


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^unknown attribute: AU11$"):
        Relatedness.from_table(EXPRESSION, ACTION_UNITS, {}, {"sadness": {"AU11": 0.26}}, "made up")


def test_duplicate_labels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^relatedness: duplicate attribute AU02$"):
        replace(DU_2014, attribute_labels=("AU02", *ACTION_UNITS.labels[1:]))


def test_support_is_a_count() -> None:
    for wrong, reason in (
        (np.full((7, 17), -1), "negative.* has -1"),
        (np.ones((7, 17)), "whole"),
        (np.ones((7, 1)), "shape"),
    ):
        with pytest.raises(ValueError, match=reason):
            replace(DU_2014, support=wrong)
