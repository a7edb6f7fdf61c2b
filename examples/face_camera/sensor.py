"""What stands in for the image sensor: a photograph of an astronaut, moved and lit anew in every frame."""

from __future__ import annotations

import numpy as np
from skimage import data

from examples.face_camera.faces import Frame

_SWAY_PIXELS = 12
_DARKEST, _BRIGHTEST = 0.75, 1.15
_NOISE = 5.0


class Sensor:
    """Gives frames of one scene. ``covered`` puts a hand over the lens.

    The frames differ as those of a hand-held camera do, yet the same ``seed`` gives the same ones.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._scene = data.astronaut()
        self.covered = False

    def look(self) -> Frame:
        """Return the next frame."""
        if self.covered:
            return self._noisy(np.full(self._scene.shape, 6.0))
        sway = self._random.integers(-_SWAY_PIXELS, _SWAY_PIXELS + 1, size=2)
        light = self._random.uniform(_DARKEST, _BRIGHTEST)
        return self._noisy(np.roll(self._scene, tuple(sway), axis=(0, 1)) * light)

    def _noisy(self, frame: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Frame:
        noise = self._random.normal(0, _NOISE, frame.shape)
        return np.asarray(np.clip(frame + noise, 0, 255), np.uint8)
