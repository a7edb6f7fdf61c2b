"""The gallery: reference faces in a folder, one image each. The manifest measures the folder as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage import data, io

from examples.face_camera import faces
from examples.face_camera.faces import Face

HOLDER = "badge-holder"
_STRANGERS = 12


@dataclass(frozen=True, slots=True)
class Match:
    """A reference and how much a face resembles it, from -1 to 1."""

    reference: str
    resemblance: float


class Gallery:
    """Reference faces by name; the name of a file without its ending is the name of a reference."""

    def __init__(self, folder: Path) -> None:
        self._faces = {path.stem: _read(path) for path in sorted(folder.glob("*.png"))}

    def __len__(self) -> int:
        return len(self._faces)

    def one(self, reference: str) -> Face:
        """Return one reference.

        Raises:
            KeyError: there is none of that name.
        """
        return self._faces[reference]

    def ranked(self, face: Face) -> list[Match]:
        """Return every reference, the most alike first."""
        matches = [Match(name, faces.resemblance(face, reference)) for name, reference in self._faces.items()]
        return sorted(matches, key=lambda match: -match.resemblance)


def furnish(folder: Path) -> None:
    """Write a gallery as it would leave the factory: a badge holder, and strangers from a public set of faces."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = data.astronaut()
    _write(folder / f"{HOLDER}.png", faces.crop(portrait, faces.detect(portrait)[0]))
    for number, stranger in enumerate(data.lfw_subset()[:_STRANGERS]):
        _write(folder / f"person-{number:02}.png", stranger)


def _read(path: Path) -> Face:
    return np.asarray(io.imread(path), np.float64) / 255


def _write(path: Path, face: Face) -> None:
    io.imsave(path, np.asarray(face * 255, np.uint8), check_contrast=False)
