"""One running server for all tests of the command line, and its first administrator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import Serving, Staff, process
from tests.cli.exporter import Company


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised data folder."""
    folder = tmp_path_factory.mktemp("interlock") / "data"
    made = process("init", "--data-dir", folder, "--administrator", "Ada Admin", "--issuer", "Example Optics", "--json")
    assert made.code == 0, made.err
    return folder


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
