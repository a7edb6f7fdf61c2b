"""Finding, comparing and blurring faces: what the camera computes. Nothing here asks for permission."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from skimage import color, data, feature, filters, transform

Frame: TypeAlias = NDArray[np.uint8]
Face: TypeAlias = NDArray[np.float64]

SIDE = 25
_SMALLEST, _LARGEST = (60, 60), (250, 250)
_BLUR_SIGMA = 12


@dataclass(frozen=True, slots=True)
class Box:
    """Where a face is in a frame, in pixels."""

    row: int
    column: int
    height: int
    width: int

    @property
    def region(self) -> tuple[slice, slice]:
        """The part of a frame that it covers."""
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    def holds_middle_of(self, other: Box) -> bool:
        """Tell whether the middle of another box lies within this one: then both are about one face."""
        row, column = other.row + other.height / 2, other.column + other.width / 2
        return self.row <= row < self.row + self.height and self.column <= column < self.column + self.width


def detect(frame: Frame) -> list[Box]:
    """Return the faces that the trained detector finds, from the top of the frame down."""
    found = _detector().detect_multi_scale(
        img=frame, scale_factor=1.2, step_ratio=1, min_size=_SMALLEST, max_size=_LARGEST
    )
    boxes = [Box(face["r"], face["c"], face["height"], face["width"]) for face in found]
    # The detector may find one face in several sizes, and which ones differs by the last digit of a sum.
    faces: list[Box] = []
    for box in sorted(boxes, key=lambda box: (-box.width, box.row, box.column)):
        if not any(face.holds_middle_of(box) for face in faces):
            faces.append(box)
    return sorted(faces, key=lambda box: (box.row, box.column))


def crop(frame: Frame, box: Box) -> Face:
    """Return one face in grey, ``SIDE`` pixels square, from 0 (black) to 1 (white)."""
    grey = color.rgb2gray(frame)[box.region]
    return np.asarray(transform.resize(grey, (SIDE, SIDE), anti_aliasing=True), np.float64)


def resemblance(one: Face, other: Face) -> float:
    """Return the normalised cross-correlation of two faces: 1 for the same image, about 0 for unrelated ones.

    Brightness and contrast drop out, pose and expression do not: enough for one camera and a person who looks into it.
    """
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / scale if scale else 0.0


def blur(frame: Frame, boxes: list[Box]) -> Frame:
    """Return the frame with every face beyond recognition."""
    blurred = frame.copy()
    for box in boxes:
        soft = filters.gaussian(frame[box.region], sigma=_BLUR_SIGMA, channel_axis=-1)
        blurred[box.region] = (soft * 255).astype(np.uint8)
    return blurred


def is_covered(frame: Frame) -> bool:
    """Return whether the lens sees nothing: a real scene is never this even."""
    return float(frame.std()) < 8.0


@cache
def _detector() -> Any:
    return feature.Cascade(data.lbp_frontal_face_cascade_filename())
