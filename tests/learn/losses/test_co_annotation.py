"""Co-annotation in both directions against double loops of papers/003, section 3.1.2."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from mien.learn.batch import Batch
from mien.learn.losses import CoAnnotation
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness
from mien.tasks import ACTION_UNITS, EXPRESSION

AU = {label: index for index, label in enumerate(ACTION_UNITS.labels)}
EMOTION = {label: index for index, label in enumerate(EXPRESSION.labels)}


def towards_attributes(
    z: np.ndarray, batch: Batch, table: Relatedness, reweight: bool, normalise: str
) -> tuple[float, int]:
    """Unannotated attributes of a labelled class count as present, with their agreement as delta."""
    labels, known = (side["expression"].numpy() for side in (batch.labels, batch.mask))
    annotated = batch.mask["action_units"].numpy()
    total, count = 0.0, 0
    for row in range(len(z)):
        if not known[row]:
            continue
        above, below = 0.0, 0.0
        for i in range(z.shape[1]):
            weight = table.weights[labels[row], i]
            if weight > 0 and not annotated[row, i]:
                delta = weight if reweight else 1.0
                above -= delta * math.log(1 / (1 + math.exp(-z[row, i])))
                below += delta if normalise == "weights" else 1
        if below > 0:
            total += above / below
            count += 1
    return total, count


def towards_classes(z: np.ndarray, batch: Batch, table: Relatedness) -> tuple[float, int]:
    """Without a labelled class: the largest class whose attributes are all annotated as present."""
    labels, annotated = (side["action_units"].numpy() for side in (batch.labels, batch.mask))
    known = batch.mask["expression"].numpy()
    total, count = 0.0, 0
    for row in range(len(z)):
        best, size = None, 0
        for c in range(len(table.class_labels)):
            required = [i for i in range(labels.shape[1]) if table.weights[c, i] > 0]
            present = all(annotated[row, i] and labels[row, i] == 1 for i in required)
            if present and len(required) > size:
                best, size = c, len(required)
        if best is not None and not known[row]:
            mass = sum(math.exp(value) for value in z[row])
            total -= math.log(math.exp(z[row, best]) / mass)
            count += 1
    return total, count


def shares(batch: Batch) -> Batch:
    """The same classes as vote shares, most of them for the labelled class."""
    votes = 0.2 / 6 + (0.8 - 0.2 / 6) * one_hot(batch.labels["expression"], 7).float()
    return replace(batch, labels={**batch.labels, "expression": votes * batch.mask["expression"][:, None]})


@pytest.mark.parametrize("table", [DU_2014, AFF_WILD2], ids=["du_2014", "aff_wild2"])
@pytest.mark.parametrize("reweight", [True, False])
@pytest.mark.parametrize("normalise", ["weights", "attributes"])
@pytest.mark.parametrize("votes", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_double_loops(
    seed: int,
    votes: bool,
    normalise: str,
    reweight: bool,
    table: Relatedness,
    columns: Callable[[int, int], dict[str, np.ndarray]],
    partial_batch: Callable[..., Batch],
    random_outputs: Callable[..., dict[str, Tensor]],
) -> None:
    planted = columns(seed, 24)
    generator = np.random.default_rng(seed)
    for row in range(4, 20):  # otherwise full sets of attributes would be rare
        for c in generator.choice(np.arange(1, 7), 2):
            planted["action_units"][row, table.belongs[c]] = 1
    outputs, batch = random_outputs(seed, 24), partial_batch(n=24, columns=planted)
    doubles = {name: logits.detach().double() for name, logits in outputs.items()}
    terms = CoAnnotation(reweight, normalise)(doubles, shares(batch) if votes else batch, table)  # type: ignore[arg-type]
    z = {name: logits.numpy() for name, logits in doubles.items()}
    total, count = towards_attributes(z["action_units"], batch, table, reweight, normalise)
    assert terms["co_annotation_attributes"].total.item() == pytest.approx(total, rel=1e-6)
    assert terms["co_annotation_attributes"].count.item() == count > 3
    total, count = towards_classes(z["expression"], batch, table)
    assert terms["co_annotation_classes"].total.item() == pytest.approx(total, rel=1e-6)
    assert terms["co_annotation_classes"].count.item() == count > 3


def implied(*present: str, table: Relatedness = DU_2014) -> str | None:
    row = torch.zeros(1, 17, dtype=torch.bool)
    row[0, [AU[name] for name in present]] = True
    label, found = CoAnnotation.implied_class(row, torch.tensor(table.belongs, dtype=torch.float32))
    return EXPRESSION.labels[int(label)] if found else None


def test_a_class_requires_all_its_attributes() -> None:
    assert implied("AU06", "AU12", "AU25") == "happiness"
    assert implied("AU12", "AU25") is None
    assert implied("AU06", "AU12", "AU25", "AU14") == "happiness"


def test_the_implied_class_is_the_largest_complete_one() -> None:
    surprise, fear = ("AU01", "AU02", "AU05", "AU25", "AU26"), ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25", "AU26")
    assert implied(*surprise) == "surprise"
    assert implied(*surprise, "AU06", "AU12") == "surprise"  # happiness is complete too, but smaller
    assert implied(*fear, "AU06", "AU12") == "fear"  # the largest of three


def test_no_attributes_imply_no_class() -> None:
    assert implied() is None


def face(expression: str | None, **action_units: float) -> Batch:
    labels, mask = torch.zeros(1, 17), torch.zeros(1, 17, dtype=torch.bool)
    for name, value in action_units.items():
        labels[0, AU[name]], mask[0, AU[name]] = value, True
    return Batch(
        torch.zeros(1, 3, 112, 112),
        {"expression": torch.tensor([EMOTION.get(expression or "", 0)]), "action_units": labels},
        {"expression": torch.tensor([expression is not None]), "action_units": mask},
    )


def gradients(batch: Batch, *, reweight: bool = True) -> tuple[dict[str, float], dict[str, float]]:
    """Nonzero gradients of both terms at logits of 0, by label: of the attributes and of the classes."""
    outputs = {
        "expression": torch.zeros(1, 7, requires_grad=True),
        "action_units": torch.zeros(1, 17, requires_grad=True),
    }
    terms = CoAnnotation(reweight)(outputs, batch, DU_2014)
    sum(term.total for term in terms.values()).backward()  # type: ignore[union-attr]
    found = []
    for task in (ACTION_UNITS, EXPRESSION):
        gradient = outputs[task.name].grad
        assert gradient is not None
        found.append({name: float(g) for name, g in zip(task.labels, gradient[0], strict=True) if g})
    return found[0], found[1]


def test_a_class_pulls_up_only_its_attributes_by_agreement() -> None:
    attributes, classes = gradients(face("happiness"))
    assert attributes == pytest.approx({"AU06": -0.5 * 0.51 / 2.51, "AU12": -0.5 / 2.51, "AU25": -0.5 / 2.51})
    assert not classes
    attributes, _ = gradients(face("happiness"), reweight=False)
    assert attributes == pytest.approx(dict.fromkeys(("AU06", "AU12", "AU25"), -0.5 / 3))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_annotated_attribute_is_never_overwritten(value: float) -> None:
    attributes, _ = gradients(face("happiness", AU12=value, AU14=1.0))
    assert attributes == pytest.approx({"AU06": -0.5 * 0.51 / 1.51, "AU25": -0.5 / 1.51})


def test_a_labelled_class_is_never_overwritten() -> None:
    _, classes = gradients(face("sadness", AU06=1.0, AU12=1.0, AU25=1.0))
    assert not classes
    _, classes = gradients(face(None, AU06=1.0, AU12=1.0, AU25=1.0))
    assert classes["happiness"] == pytest.approx(1 / 7 - 1)
    assert classes["sadness"] == pytest.approx(1 / 7)


def test_neutral_annotates_nothing() -> None:
    term = CoAnnotation()(
        {"expression": torch.zeros(1, 7), "action_units": torch.zeros(1, 17)}, face("neutral"), DU_2014
    )["co_annotation_attributes"]
    assert (term.total.item(), term.count.item()) == (0, 0)


def test_with_vote_shares_the_class_with_most_votes_annotates() -> None:
    batch = face("neutral")
    shares = torch.zeros(1, 7)
    shares[0, EMOTION["disgust"]], shares[0, EMOTION["anger"]] = 0.6, 0.4
    voted = Batch(batch.images, {**batch.labels, "expression": shares}, batch.mask)
    assert gradients(voted) == gradients(face("disgust"))


def test_normalising_by_number_gives_observational_attributes_less_weight() -> None:
    batch = face("happiness", AU12=1.0, AU25=1.0)  # leaves AU06, on which 51 % of the annotators agree
    outputs = {"expression": torch.zeros(1, 7), "action_units": torch.zeros(1, 17)}
    by_weight, by_number = (
        CoAnnotation(normalise=choice)(outputs, batch, DU_2014)["co_annotation_attributes"].mean().item()  # type: ignore[arg-type]
        for choice in ("weights", "attributes")
    )
    assert by_weight == pytest.approx(math.log(2))
    assert by_number == pytest.approx(0.51 * math.log(2))


def test_its_minimum_is_zero_where_implied_labels_are_predicted() -> None:
    happy = {"expression": torch.tensor([[-40.0, 40.0] + [-40.0] * 5]), "action_units": torch.full((1, 17), 40.0)}
    for batch in (face("happiness"), face(None, AU06=1.0, AU12=1.0, AU25=1.0)):
        assert sum(term.total.item() for term in CoAnnotation()(happy, batch, DU_2014).values()) < 1e-6


def test_counts_of_many_attributes_are_exact_under_autocast() -> None:
    present = torch.ones(1, 400, dtype=torch.bool)
    present[0, 399] = False
    with torch.autocast("cpu", torch.bfloat16):
        _, found = CoAnnotation.implied_class(present, torch.ones(1, 400))
    assert not found


def test_unknown_choices_are_rejected_by_name() -> None:
    with pytest.raises(ValueError, match="CoAnnotation: normalise must be one of weights, attributes, not 'other'"):
        CoAnnotation(normalise="other")  # type: ignore[arg-type]
