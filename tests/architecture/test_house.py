"""Rules of the house that no other tool holds: small files, plain words, one home for clocks, nothing secret."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, committed, lines_of_code, name_of, nodes, product

MOST_LINES = 250
# A test is a list: it may go on for longer before it is hard to read.
MOST_LINES_OF_TESTS = 350
# Data that happens to be written in Python.
LONGER = {"licensing_server/migrations/versions"}
# Put together here, so that this file does not hold what it looks for.
SECRETS = re.compile("-----BEGIN [A-Z ]*" + "PRIVATE KEY-----")
ADDRESSES = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", "(extra-)?index" + "-url", "find" + "-links"]))
VERBS = {"validate", "check", "process", "handle"}
NOUNS = {"manager", "util", "utils", "helper", "helpers", "handler", "validator", "license"}
# Checking in is the exchange's own word; the other two are SQLAlchemy's.
OTHERS_WORDS = {"check_in", "process_bind_param", "process_result_value"}
CLOCKS = {
    *(
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.clock_gettime",
        "time.clock_gettime_ns",
    ),
    *("time.perf_counter", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}
CLOCK_HOMES = {"device_agent/clock.py", "licensing_server/clock.py"}
HEAVY = {"fastapi", "sqlalchemy", "numpy", "shapely", "jsonschema_rs", "typer", "rich", "tuf", "urllib3", "pydantic"}


def named(paths: list[Path]) -> list[str]:
    return [name_of(path) for path in paths]


def most_lines(path: Path) -> int:
    return MOST_LINES_OF_TESTS if name_of(path).startswith("tests/") else MOST_LINES


def test_a_file_is_short_enough_to_be_read() -> None:
    texts = ((path, path.read_text("utf-8")) for path in committed(".py"))
    # Counting lines is quick, and tells for nearly every file that its code is short.
    long = [path for path, text in texts if text.count("\n") > most_lines(path) < lines_of_code(text)]
    assert [name for name in named(long) if not any(name.startswith(longer) for longer in LONGER)] == []


def test_the_count_of_lines_leaves_out_comments_and_docstrings() -> None:
    text = (
        '"""Docs.\n\nMore.\n"""\n\n# A comment\n\n\ndef f() -> int:\n    """Docs."""\n    return (\n        1\n    )\n'
    )
    assert lines_of_code(text) == 4


@pytest.mark.parametrize("forbidden", [SECRETS, ADDRESSES], ids=["private keys", "index addresses"])
def test_nothing_committed_holds_secrets_or_addresses_of_indexes(forbidden: re.Pattern[str]) -> None:
    texts = [(path, path.read_bytes().decode("utf-8", "replace")) for path in committed()]
    assert len(texts) > 100
    assert named([path for path, text in texts if forbidden.search(text)]) == []


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)]


def breaks_the_dictionary(name: str) -> bool:
    told = words(name)
    return name not in OTHERS_WORDS and bool(told) and (told[0] in VERBS or bool(NOUNS & set(told)))


def test_names_keep_to_the_dictionary() -> None:
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{name_of(path)}: {node.name}"
        for path in product()
        for node in nodes(path)
        if isinstance(node, defined) and not node.name.startswith("_") and breaks_the_dictionary(node.name)
    ]
    modules = [name_of(path) for path in product() if breaks_the_dictionary(path.stem)]
    assert found + modules == []


@pytest.mark.parametrize("name", ["validate", "check_token", "KeyManager", "license_of", "handle_request", "utils"])
def test_a_word_of_the_others_is_noticed(name: str) -> None:
    assert breaks_the_dictionary(name)


def clock_reads(path: Path) -> list[str]:
    """Return the calls by which a module would read a clock, also where the function has been imported by itself."""
    reads = []
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and f"{ast.unparse(node.value).rpartition('.')[2]}.{node.attr}" in CLOCKS:
            reads.append(ast.unparse(node))
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            reads += [alias.name for alias in node.names if f"time.{alias.name}" in CLOCKS]
    return reads


def test_clocks_are_read_at_home_only() -> None:
    reads = {name_of(path): clock_reads(path) for path in product()}
    assert {name for name, found in reads.items() if found} == CLOCK_HOMES


def test_every_package_says_that_it_is_typed() -> None:
    assert all((ROOT / package / "py.typed").exists() for package in PACKAGES)


def test_importing_the_agent_imports_nothing_heavy() -> None:
    # A fresh interpreter: this one has imported everything by now.
    code = "import device_agent, sys; device_agent.Agent; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert set(loaded.split()) & HEAVY == set()


def test_importing_the_protocol_imports_neither_side_and_nothing_heavy() -> None:
    modules = ", ".join(f"licensing_protocol.{name}" for name in ("decision", "enrollment", "exchange", "receipt"))
    code = f"import {modules}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert set(loaded.split()) & (HEAVY | {"device_agent", "licensing_server", "sqlite3", "asyncio"}) == set()
