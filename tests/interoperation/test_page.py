"""The page about others' programs names all that the tests run and read, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from tests.interoperation.others import WANTED
from tests.vectors.forge import FOLDER

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "reference" / "interoperation.md").read_text(encoding="utf-8")


def test_the_page_names_each_test_and_each_program_in_the_version_that_was_run() -> None:
    assert {f"test_{name}.py" for name in re.findall(r"`test_(\w+)\.py`", PAGE)} | {Path(__file__).name} == {
        found.name for found in HERE.glob("test_*.py")
    }
    for name, version in re.findall(r"^([\w-]+)==([\d.]+)", WANTED.read_text(encoding="utf-8"), re.MULTILINE):
        assert f"{name} {version}" in PAGE, name


def test_the_page_names_each_file_of_what_others_published() -> None:
    told = set(re.findall(r"^\| `([\w.-]+)` \|", PAGE, re.MULTILINE))
    assert told == {found.stem for found in (FOLDER / "published").glob("*.json")}
