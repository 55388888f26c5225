"""The mean over a picture and its mirror image, with labels of a side swapped."""

import torch
from torch import Tensor, nn

from mien.learn.export.mirror import Mirrored
from mien.tasks import Kind, Task

SIDED = Task("units", Kind.ATTRIBUTES, ("AU12L", "AU12R", "AU01"), ("",) * 3)
WORDS = Task("mood", Kind.CLASSES, ("low", "high"), ("", ""))


class Halves(nn.Module):
    """The sums of the left half, the right half and the whole; and the first column and the last."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        middle = x.shape[3] // 2
        left, right = x[..., :middle].sum((1, 2, 3)), x[..., middle:].sum((1, 2, 3))
        edges = torch.stack([x[..., 0].sum((1, 2)), x[..., -1].sum((1, 2))], 1)
        return {"units": torch.stack([left, right, left + right], 1), "mood": edges, "features": x.flatten(1)}


def test_labels_with_a_side_are_swapped_and_others_averaged() -> None:
    x = torch.rand(4, 3, 6, 8)
    plain, mean = Halves()(x), Mirrored(Halves(), (SIDED, WORDS))(x)
    assert set(mean) == {"units", "mood"}
    assert torch.allclose(mean["units"], plain["units"])  # the mirror's left is the picture's right
    assert torch.allclose(mean["mood"], plain["mood"].mean(1, keepdim=True).expand(4, 2))


def test_gradients_reach_both_images() -> None:
    x = torch.rand(2, 3, 6, 8, requires_grad=True)
    Mirrored(Halves(), (WORDS,))(x)["mood"][:, 0].sum().backward()
    assert x.grad is not None
    assert (x.grad[..., [0, -1]] == 0.5).all()
    assert (x.grad[..., 1:-1] == 0).all()
