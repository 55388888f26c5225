"""The loss of each task on its own labels."""

from collections.abc import Callable

from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses import RmseCorrelation, concordance, cross_entropy, supervised
from mien.tasks import AFFECT, EXPRESSION


def test_each_task_has_the_loss_of_its_kind_or_its_own(
    partial_batch: Callable[..., Batch], random_outputs: Callable[..., dict[str, Tensor]]
) -> None:
    outputs, batch = random_outputs(), partial_batch()
    affect = outputs["affect"], batch.labels["affect"], batch.mask["affect"]
    expression = outputs["expression"], batch.labels["expression"], batch.mask["expression"]
    usual = supervised(outputs, batch, (EXPRESSION, AFFECT))
    own = supervised(outputs, batch, (EXPRESSION, AFFECT), {"affect": RmseCorrelation()})
    assert list(usual) == list(own) == ["expression", "affect"]
    assert usual["expression"].total == own["expression"].total == cross_entropy(*expression).total
    assert usual["affect"].total == concordance(*affect).total
    assert own["affect"].total == RmseCorrelation()(*affect).total != usual["affect"].total
