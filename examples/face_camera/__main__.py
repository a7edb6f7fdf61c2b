"""``python -m examples.face_camera install FOLDER …`` furnishes a camera; ``… run FOLDER`` starts it."""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from device_agent.errors import AgentError
from examples.face_camera import console, gallery
from examples.face_camera.camera import Camera
from licensing_protocol.errors import InterlockError

_HERE = Path(__file__).parent
_FURNISH = "Is this a camera's folder? Furnish one with: python -m examples.face_camera install FOLDER …"


def install(arguments: Namespace) -> None:
    """Put together what leaves the factory: manifest, vendor key, rules and gallery in one folder."""
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.manifest, folder / "manifest.jws")
    shutil.copyfile(arguments.vendor_key, folder / "vendor-key.json")
    shutil.copyfile(_HERE / "rules.json", folder / "rules.json")
    gallery.furnish(folder / "gallery")


def run(arguments: Namespace) -> None:
    """Run the camera until its console closes."""
    camera = Camera(arguments.folder, sync_every=arguments.sync_every)
    with camera.agent:
        for answer in console.answers(camera, sys.stdin):
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> None:
    """Do what ``words`` say, or else the command line."""
    parser = ArgumentParser(prog="python -m examples.face_camera", description=__doc__)
    commands = parser.add_subparsers(required=True)
    furnish = commands.add_parser("install", help="furnish a camera's folder")
    furnish.add_argument("folder", type=Path)
    furnish.add_argument("--manifest", type=Path, required=True, help="the vendor-signed product manifest")
    furnish.add_argument("--vendor-key", type=Path, required=True, help="the vendor's public key, a JWK")
    furnish.set_defaults(act=install)
    start = commands.add_parser("run", help="start the camera with its console on standard input")
    start.add_argument("folder", type=Path)
    start.add_argument("--sync-every", type=float, default=60.0, help="seconds between check-ins")
    start.set_defaults(act=run)
    arguments = parser.parse_args(words)
    try:
        arguments.act(arguments)
    except BrokenPipeError:
        # Whoever reads our answers has seen enough.
        sys.stderr.close()
    except OSError as error:
        sys.exit(f"{error.filename or 'A file'}: {(error.strerror or 'cannot be used').lower()}. {_FURNISH}")
    except (AgentError, InterlockError, ValueError) as error:
        sys.exit(f"The camera cannot start: {error}")


if __name__ == "__main__":
    main()
