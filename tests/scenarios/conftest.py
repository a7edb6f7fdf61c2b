"""One server process for all scenarios, and for each test devices of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.field import Field
from tests.scenarios.office import Office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The exporter, whose server all scenarios share."""
    with Office.open(tmp_path_factory.mktemp("exporter")) as office:
        yield office


@pytest.fixture(name="field")
def _field(office: Office, tmp_path: Path) -> Iterator[Field]:
    made = Field(office, tmp_path)
    yield made
    for device in made.devices:
        device.power_off()
