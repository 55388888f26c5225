"""Figures over a whole data set: numpy in, named numbers out. scikit-learn counts; the concordance is ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

from mien.tasks import Kind, Task, groups

Array = NDArray[np.floating]


def concordance(prediction: Array, truth: Array) -> float:
    """Lin's concordance correlation coefficient in [-1, 1]; 0 where one side is constant or empty."""
    if prediction.size == 0 or np.ptp(prediction) == 0 or np.ptp(truth) == 0:
        return 0.0
    prediction, truth = prediction.astype(np.float64), truth.astype(np.float64)
    spread = prediction.var() + truth.var() + (prediction.mean() - truth.mean()) ** 2
    covariance = ((prediction - prediction.mean()) * (truth - truth.mean())).mean()
    return float(2 * covariance / spread)


def correlation(prediction: Array, truth: Array) -> float:
    """Pearson's correlation coefficient in [-1, 1] (papers/001, PCC); 0 where one side is constant or empty."""
    if prediction.size == 0 or np.ptp(prediction) == 0 or np.ptp(truth) == 0:
        return 0.0
    x, y = (side.astype(np.float64) - side.mean(dtype=np.float64) for side in (prediction, truth))
    return float(np.clip(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)), -1, 1))


def sign_agreement(prediction: Array, truth: Array) -> float:
    """Share of values with the sign of the truth, in [0, 1] (papers/001, SAGR); 0 of nothing.

    The signs are -1, 0 and 1, as the paper's Kronecker delta has them: a true 0 is met by a 0 alone.
    """
    return float((np.sign(prediction) == np.sign(truth)).mean()) if prediction.size else 0.0


def root_mean_square(prediction: Array, truth: Array) -> float:
    """The root of the mean squared error, at least 0: lower is better (papers/001, RMSE); 0 of nothing."""
    error = prediction.astype(np.float64) - truth
    return float(np.sqrt((error**2).mean())) if error.size else 0.0


CONTINUOUS = {"ccc": concordance, "pcc": correlation, "sagr": sign_agreement, "rmse": root_mean_square}
"""Figures of one dimension of a continuous task."""


def lower_is_better(figure: str) -> bool:
    """Whether a figure, by its whole name, is one of errors, or of how well persons are told apart."""
    return "rmse" in figure.split(".") or figure.startswith("probe.")


def of_classes(probabilities: Array, truth: NDArray[np.int_], labels: tuple[str, ...]) -> dict[str, float]:
    """Accuracy (the papers' "total accuracy"), mean F1, their average ``afa``, and recall of each class.

    ``f1`` is the mean over all classes of the task; one that is absent from the data counts with F1 = 0.
    Recalls, ``mean_recall``, the mean diagonal of the confusion matrix (UAR), and ``f1_present`` are of the classes
    that occur; ``f1_uar`` is the average of these two means (papers/003, section 4.2, EmotioNet).

    Args:
        probabilities: N x C.
        truth: N class indices.
        labels: the C names.
    """
    guess, every = probabilities.argmax(1), list(range(len(labels)))
    recall = recall_score(truth, guess, labels=every, average=None, zero_division=0)
    present = np.isin(every, truth)
    accuracy = float(accuracy_score(truth, guess))
    each = f1_score(truth, guess, labels=every, average=None, zero_division=0)
    f1, f1_present, mean_recall = (float(part.mean()) for part in (each, each[present], recall[present]))
    return {
        "accuracy": accuracy,
        "mean_recall": mean_recall,
        "f1": f1,
        "f1_present": f1_present,
        "afa": (f1 + accuracy) / 2,
        "f1_uar": (f1_present + mean_recall) / 2,
        **{f"recall.{name}": float(recall[index]) for index, name in enumerate(labels) if present[index]},
    }


def of_attributes(
    probabilities: Array, truth: Array, mask: NDArray[np.bool_], labels: tuple[str, ...]
) -> dict[str, float]:
    """Figures of attributes at threshold 0.5 over their annotated cells; nothing if no cell is annotated.

    - ``f1``: mean over the attributes of their F1. One without an annotated positive counts with F1 = 0, its F1 being
      undefined; ``f1_present`` is the mean over the others (absent if there are none).
    - ``accuracy``: mean over the attributes of their accuracy; ``afa`` is the average of ``f1`` and this one
      (papers/003, Table 3).
    - ``total_accuracy``: share of right cells among all annotated ones, so that an attribute counts by its annotations.
    - ``f1.NAME``: F1 of each attribute.
    - ``group_accuracy.NAME``, of labels such as ``NAME=short`` (:func:`mien.tasks.groups`): how often the most
      probable one of the group is the annotated one; ``group_accuracy`` is the mean over the groups (absent if none).

    Attributes without any annotation are left out of all means. A row counts for a group if all labels of the group
    are annotated in it and exactly one is positive.

    Args:
        probabilities: N x A.
        truth: N x A, 0 or 1.
        mask: N x A, what is annotated.
        labels: the A names.
    """
    if not mask.any():
        return {}
    positive, right = truth > 0.5, (truth > 0.5) == (probabilities >= 0.5)
    f1, accuracy, present = {}, [], []
    for index, name in enumerate(labels):
        known = mask[:, index]
        if known.any():
            guess = probabilities[known, index] >= 0.5
            f1[f"f1.{name}"] = float(f1_score(positive[known, index], guess, zero_division=0))
            accuracy.append(float(right[known, index].mean()))
            if positive[known, index].any():
                present.append(f1[f"f1.{name}"])
    means = {"f1": float(np.mean(list(f1.values()))), "accuracy": float(np.mean(accuracy))}
    return {
        **means,
        **({"f1_present": float(np.mean(present))} if present else {}),
        "total_accuracy": float(right[mask].mean()),
        "afa": (means["f1"] + means["accuracy"]) / 2,
        **f1,
        **_of_groups(probabilities, positive, mask, labels),
    }


def _of_groups(
    probabilities: Array, positive: NDArray[np.bool_], mask: NDArray[np.bool_], labels: tuple[str, ...]
) -> dict[str, float]:
    """How often the most probable label of each group of one-hot attributes is the annotated one, and the mean."""
    found = {}
    for name, members in groups(labels).items():
        columns = list(members)
        known = mask[:, columns].all(1) & (positive[:, columns].sum(1) == 1)
        if len(columns) > 1 and known.any():
            guess = probabilities[np.ix_(known, columns)].argmax(1)
            right = guess == positive[np.ix_(known, columns)].argmax(1)
            found[f"group_accuracy.{name}"] = float(right.mean())
    return {"group_accuracy": float(np.mean(list(found.values()))), **found} if found else {}


def of_continuous(values: Array, truth: Array, mask: NDArray[np.bool_], labels: tuple[str, ...]) -> dict[str, float]:
    """CCC, PCC, SAGR and RMSE of each dimension over its annotated cells, and their means over the dimensions.

    They are those of all cells at once, not means over batches. Dimensions without any annotation have no figures and
    no part in the means.

    Args:
        values: N x D.
        truth: N x D.
        mask: N x D, what is annotated.
        labels: the D names.
    """
    known = [index for index in range(len(labels)) if mask[:, index].any()]
    metrics: dict[str, float] = {}
    for figure, judge in CONTINUOUS.items() if known else ():
        found = {f"{figure}.{labels[index]}": judge(*_cells(values, truth, mask, index)) for index in known}
        metrics |= {figure: float(np.mean(list(found.values()))), **found}
    return metrics


def _cells(values: Array, truth: Array, mask: NDArray[np.bool_], index: int) -> tuple[Array, Array]:
    return values[mask[:, index], index], truth[mask[:, index], index]


def metrics(
    outputs: Mapping[str, Array],
    labels: Mapping[str, Array],
    mask: Mapping[str, NDArray[np.bool_]],
    tasks: tuple[Task, ...],
) -> dict[str, float]:
    """Every figure of every task that has labels, as ``task.figure``; ``task.faces`` counts the rows with any label.

    Args:
        outputs: readable outputs of each task, N x labels.
        labels, mask: as in :class:`mien.learn.batch.Batch`, with hard class labels.
        tasks: which to judge.
    """
    result: dict[str, float] = {}
    for task in tasks:
        known = mask[task.name]
        if task.name not in outputs or not known.any():
            continue
        if task.kind is Kind.CLASSES:
            part = of_classes(outputs[task.name][known], labels[task.name][known].astype(int), task.labels)
        else:
            judge = of_attributes if task.kind is Kind.ATTRIBUTES else of_continuous
            part = judge(outputs[task.name], labels[task.name], known, task.labels)
        labelled = float(known.reshape(len(known), -1).any(1).sum())
        result |= {f"{task.name}.{name}": value for name, value in {"faces": labelled, **part}.items()}
    return result
