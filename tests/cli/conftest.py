"""One running server for all tests of the command line, and its first administrator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import Serving, Staff, process
from tests.cli.exporter import Company


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised data folder that no server touches: only to be copied."""
    folder = tmp_path_factory.mktemp("pristine") / "data"
    made = process("init", "--data-dir", folder, "--administrator", "Ada Admin", "--issuer", "Example Optics", "--json")
    assert made.code == 0, made.err
    assert made.json["token_file"] == str(folder / "admin.token")
    return folder


@pytest.fixture(scope="session")
def data_dir(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server that all tests share."""
    return Path(shutil.copytree(pristine, tmp_path_factory.mktemp("interlock") / "data"))


@pytest.fixture
def fresh(pristine: Path, tmp_path: Path) -> Path:
    """An initialised data folder of one's own."""
    return Path(shutil.copytree(pristine, tmp_path / "data"))


@pytest.fixture(scope="session")
def serving(data_dir: Path) -> Iterator[Serving]:
    """A server process."""
    with Serving(data_dir) as server:
        yield server


@pytest.fixture(scope="session")
def ada(serving: Serving) -> Staff:
    """The first administrator, who holds every role."""
    return Staff(serving.address, serving.data_dir / "admin.token")


@pytest.fixture(scope="session")
def company(ada: Staff, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A product, its release, an end-user, all set up by the command line."""
    return Company.found(ada, tmp_path_factory.mktemp("company"))
