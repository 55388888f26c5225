"""Change training crops at random: the settings of each change, and the module that applies them."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]

COARSE = (0.25, 0.75)
"""Range of the factor by which the side of a low-resolution crop is reduced."""


class Augmentation(BaseModel):
    """The random changes of a training crop; 0 switches one off.

    Networks scale crops to [-1, 1] (or by their ``scaling``) afterwards.

    Args:
        flip: probability of a mirror image; labels of the left and right half are swapped, see
            :func:`mien.learn.data.batches.laterality.mirrored`.
        rotate: largest angle in degrees.
        shift: largest shift, as a share of the side.
        scale: largest change of size, as a share.
        light: largest change of brightness and of contrast, as a share.
        saturation: largest change of saturation, as a share.
        hue: largest rotation of the hue, as a share of half the circle.
        grey: probability that a crop becomes grey.
        blur: probability of a Gaussian blur of 0.5 to 2 pixels.
        coarse: probability that a crop is reduced to 25-75 % of its side and enlarged again.
        jpeg: probability of JPEG artefacts, at quality 20 to 90; slow: about 10 ms per crop on one core.
        erase: probability that a random rectangle (2-20 % of the crop) is black: cutout.
        mix: ``mixup`` or ``mixaugment``, see :mod:`mien.learn.data.batches.mixup`.
        alpha: parameter of the Beta distribution of the shares in a mixture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    flip: Probability = 0.5
    rotate: Annotated[float, Field(ge=0, le=180)] = 10.0
    shift: Share = 0.05
    scale: Share = 0.1
    light: Share = 0.3
    saturation: Share = 0.0
    hue: Annotated[float, Field(ge=0, le=1)] = 0.0
    grey: Probability = 0.0
    blur: Probability = 0.0
    coarse: Probability = 0.0
    jpeg: Probability = 0.0
    erase: Probability = 0.3
    mix: Literal["mixup", "mixaugment"] | None = None
    alpha: Annotated[float, Field(gt=0)] = 0.2

    def build(self) -> Transform:
        """The module that changes crops; it does not mix them."""
        import kornia.augmentation as K

        flip = K.RandomHorizontalFlip(p=self.flip) if self.flip else None
        parts: list[nn.Module] = []
        if self.rotate or self.shift or self.scale:
            shift, scale = (self.shift, self.shift), (1 - self.scale, 1 + self.scale)
            parts.append(K.RandomAffine(self.rotate, shift, scale, padding_mode="border", p=1.0))
        if self.light:
            band = (1 - self.light, 1 + self.light)
            parts += [K.RandomBrightness(band, p=1.0), K.RandomContrast(band, p=1.0)]
        if self.saturation:
            parts.append(_Coloured(K.RandomSaturation((1 - self.saturation, 1 + self.saturation), p=1.0)))
        if self.hue:
            parts.append(_Coloured(K.RandomHue((-self.hue / 2, self.hue / 2), p=1.0)))
        if self.grey:
            parts.append(_Coloured(K.RandomGrayscale(p=self.grey)))
        if self.blur:
            parts.append(K.RandomGaussianBlur((9, 9), (0.5, 2.0), p=self.blur))
        if self.coarse:
            parts.append(_Coarse(self.coarse))
        if self.jpeg:
            parts.append(_InColour(K.RandomJPEG((20.0, 90.0), p=self.jpeg)))
        if self.erase:
            parts.append(K.RandomErasing(scale=(0.02, 0.2), p=self.erase))
        return Transform(flip, parts)


class Transform(nn.Module):
    """Changes crops, N x C x H x W in [0, 255], into float crops of the same shape and range.

    Without changes it returns the crops as they are.

    It draws from torch's global generator.
    """

    flipped: Tensor | None
    """Which of the last crops were mirrored, N bool; None if crops are never mirrored."""

    def __init__(self, flip: nn.Module | None, parts: list[nn.Module]) -> None:
        super().__init__()
        self.flip, self.parts, self.flipped = flip, nn.Sequential(*parts), None

    def forward(self, crops: Tensor) -> Tensor:
        """The changed crops."""
        if self.flip is None and not len(self.parts):
            return crops
        changed: Tensor = crops.float() / 255
        if self.flip is not None:
            changed = self.flip(changed)
            self.flipped = self.flip._params["batch_prob"] > 0.5  # type: ignore[index]
        full: Tensor = self.parts(changed) * 255
        return full


class _Coloured(nn.Module):
    """A change of colours, which skips grey crops of one channel."""

    def __init__(self, change: nn.Module) -> None:
        super().__init__()
        self.change = change

    def forward(self, crops: Tensor) -> Tensor:
        changed: Tensor = self.change(crops) if crops.shape[1] == 3 else crops
        return changed


class _InColour(nn.Module):
    """A change that needs three channels; grey crops are expanded for it."""

    def __init__(self, change: nn.Module) -> None:
        super().__init__()
        self.change = change

    def forward(self, crops: Tensor) -> Tensor:
        changed: Tensor = self.change(crops.expand(-1, 3, -1, -1))
        return changed[:, : crops.shape[1]]


class _Coarse(nn.Module):
    """Lowers the resolution of some crops, each by its own factor."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, crops: Tensor) -> Tensor:
        chosen = (torch.rand(len(crops)) < self.probability).nonzero()[:, 0].tolist()
        shares = torch.empty(len(crops)).uniform_(*COARSE).tolist()
        crops = crops.clone() if chosen else crops
        for row in chosen:
            sides = crops.shape[2:]
            small = [max(1, round(side * shares[row])) for side in sides]
            reduced = interpolate(crops[row, None], small, mode="bilinear", antialias=True)
            crops[row] = interpolate(reduced, sides, mode="bilinear")[0]
        return crops
