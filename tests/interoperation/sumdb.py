"""Go's checksum database, as a program to ask: the code after which the texts of C2SP were written."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from licensing_protocol.canonical import decode_object, encode

SOURCE = Path(__file__).with_name("sumdb_program")
# Where Debian's package golang-golang-x-mod-dev puts the sources of golang.org/x/mod.
GOPATH = Path("/usr/share/gocode")
_PATIENCE_S = 120


def wanting() -> str | None:
    """Return what this machine lacks to build the program, ``None`` where it has all."""
    if shutil.which("go") is None:
        return "go"
    return None if (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir() else "golang.org/x/mod"


@dataclass(frozen=True)
class Sumdb:
    """The program, built."""

    program: Path

    @classmethod
    def build(cls, folder: Path) -> Sumdb:
        """Build it from the sources that Debian has; nothing is fetched."""
        program = folder / "sumdb"
        settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOCACHE": str(folder / "cache")}
        command = ["go", "build", "-o", str(program), "."]
        subprocess.run(command, cwd=SOURCE, env=os.environ | settings, check=True, timeout=_PATIENCE_S)
        return cls(program)

    def ask(self, do: str, **members: Any) -> Any:
        """Ask something; the answer says in ``error`` what was refused, and is empty there otherwise."""
        question = encode({"do": do} | members)
        done = subprocess.run([self.program], input=question, capture_output=True, check=True, timeout=_PATIENCE_S)
        return decode_object(done.stdout)
