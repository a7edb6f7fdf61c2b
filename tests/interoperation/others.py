"""Programs of others from PyPI, in a folder of their own beside the lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

WANTED = Path(__file__).with_name("others.txt")
_PATIENCE_S = 120
_MOST_SHOWN = 300


@dataclass(frozen=True)
class Others:
    """The folder that they are in, for a Python with the packages of the lock."""

    folder: Path

    @classmethod
    def install(cls) -> Others | str:
        """Install them once on this machine, or say why they cannot be."""
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interlock-tests"
        folder = caches / f"others-{sha256(WANTED.read_bytes()).hexdigest()[:16]}"
        if folder.exists():
            return cls(folder)
        caches.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=caches))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "10"]
        command += ["--target", str(made), "--no-deps", "--ignore-requires-python"]
        command += ["--require-hashes", "--requirement", str(WANTED)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
        if done.returncode:
            shutil.rmtree(made)
            return done.stderr[-_MOST_SHOWN:]
        try:
            made.rename(folder)
        except OSError:  # Another worker was first.
            shutil.rmtree(made)
        return cls(folder)

    @property
    def environment(self) -> dict[str, str]:
        """In which a Python finds them."""
        return os.environ | {"PYTHONPATH": str(self.folder)}

    def run(self, *arguments: str, said: bytes = b"") -> bytes:
        """Run Python with these arguments, and return what it writes."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, input=said, capture_output=True, env=self.environment, timeout=_PATIENCE_S)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
