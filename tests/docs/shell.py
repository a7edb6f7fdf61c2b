"""Runs the shell blocks of a page as a reader would: one after another, in one folder, against a real server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import RUN, Block

_MARK = "─── line "
# The port that the pages name; each run takes a free one in its place.
PORT = "8470"
_UNTIL_SERVED = "for _ in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; sleep 0.1; done"
_LONGEST_S = 300
_LAST_ID = 'import json, sys; print(json.load(sys.stdin)["items"][-1]["id"])'


def run(blocks: list[Block], folder: Path, environment: dict[str, str], port: int) -> dict[int, str]:
    """Run the blocks and return what each wrote, by its line.

    Raises:
        AssertionError: a command failed; the message holds what the page wrote until then.
    """
    script = folder / "page.sh"
    script.write_text("\n".join(_script(blocks, port)), "utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, f"{blocks[0].page.name}: exit {done.returncode}\n{done.stdout}{_logs(folder)}"
    parts = done.stdout.split(_MARK)[1:]
    return {int(line): text for line, _, text in (part.partition("\n") for part in parts)}


def agrees(expected: str, written: str) -> bool:
    """Tell whether what was written is what the page shows; ``…`` stands for anything, spaces for any spaces."""
    pattern = r"\s+".join(".*?".join(map(re.escape, word.split("…"))) for word in expected.split())
    return re.fullmatch(pattern, written.strip(), re.DOTALL) is not None


def _script(blocks: list[Block], port: int) -> Iterator[str]:
    yield "set -euo pipefail"
    yield "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"
    for block in blocks:
        text = block.text.replace(PORT, str(port))
        if block.kind == "file":
            yield f"cat > {block.value} <<'END OF FILE'\n{text}END OF FILE"
        elif block.kind == "background":
            yield f"({text.strip()}) > background.log 2>&1 &"
            yield _UNTIL_SERVED.format(port=port)
        elif block.language == "sh" and block.kind != "not run":
            if block.kind == "set":
                name, _, listing = block.value.partition(" from ")
                yield f"{name}=$(until {listing} --json | python -c '{_LAST_ID}' 2>/dev/null; do sleep 0.5; done)"
            yield f"echo '{_MARK}{block.line}'"
            yield text


def _logs(folder: Path) -> str:
    log = folder / "background.log"
    return f"\n─── background\n{log.read_text('utf-8')[-4000:]}" if log.exists() else ""


def has_shell(blocks: list[Block]) -> bool:
    """Tell whether a page has commands to run."""
    return any(block.language == "sh" and block.kind != "not run" for block in blocks if block.language in RUN)
