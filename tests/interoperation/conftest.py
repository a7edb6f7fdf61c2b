"""Implementations that are not ours, made ready once; what is left untested for want of one is told at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interoperation.others import Others
from tests.interoperation.sumdb import Sumdb, wanting


@pytest.fixture(scope="session")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sumdb]:
    """The code of Go's checksum database."""
    lacking = wanting()
    if lacking is not None:
        pytest.skip(f"left untested: our log against Go's checksum database, for want of {lacking}")
    with Sumdb.begin(tmp_path_factory.mktemp("sumdb")) as running:
        yield running


@pytest.fixture(scope="session")
def others() -> Others:
    """Programs of others from PyPI."""
    made = Others.install()
    if isinstance(made, str):
        pytest.skip(
            f"left untested: our log against tlog-scales, sigstore and aics-witness, which pip cannot install: {made}"
        )
    return made
