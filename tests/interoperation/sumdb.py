"""Go's checksum database, as a program to ask: the code after which the texts of C2SP were written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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
    """The program, running."""

    process: subprocess.Popen[bytes]

    @classmethod
    @contextmanager
    def begin(cls, folder: Path) -> Iterator[Sumdb]:
        """Build it from the sources that Debian has, and start it; nothing is fetched."""
        program = folder / "sumdb"
        settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOCACHE": str(folder / "cache")}
        command = ["go", "build", "-o", str(program), "."]
        subprocess.run(command, cwd=SOURCE, env=os.environ | settings, check=True, timeout=_PATIENCE_S)
        with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            yield cls(process)

    def ask(self, do: str, **members: Any) -> Any:
        """Ask something; the answer says in ``error`` what was refused, and is empty there otherwise."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(encode({"do": do} | members))
        self.process.stdin.flush()
        return decode_object(self.process.stdout.readline())
