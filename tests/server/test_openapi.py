"""The API's description: what is checked in is what the server says, and the server does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from licensing_protocol import canonical
from licensing_server.config import Settings
from licensing_server.openapi import rendered
from tests.server.exporter import Exporter

CHECKED_IN = Path(__file__).parents[2] / "docs/reference/openapi.json"
DESCRIBED: Any = schemathesis.openapi.from_dict(canonical.decode_object(CHECKED_IN.read_bytes()))
OPERATIONS = [found.ok() for found in DESCRIBED.get_all_operations()]
AGAIN = "python -m licensing_server.openapi docs/reference/openapi.json"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A server with a device, slowed down by nothing."""
    folder: Path = tmp_path_factory.mktemp("described")
    exporter = Exporter.begin(Settings(data_dir=folder / "data", address_rate=100_000))
    exporter.device()
    yield exporter
    exporter.end()


def test_the_description_that_is_checked_in_is_the_servers(described: Exporter) -> None:
    said = rendered(described.get("/openapi.json", None))
    assert CHECKED_IN.read_text("utf-8") == said, f"The API changed. If it was meant, run: {AGAIN}"


def test_every_operation_is_described_with_its_roles_and_its_refusals() -> None:
    document = canonical.decode_object(CHECKED_IN.read_bytes())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            assert "422" not in operation["responses"]
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
            assert ("x-roles" in operation) == ("security" in operation)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@given(data=st.data())
@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True
)
def test_whatever_fits_the_description_is_answered_as_described(
    operation: Any, described: Exporter, data: st.DataObject
) -> None:
    options = data.draw(operation.as_strategy()).as_transport_kwargs(base_url="http://testserver")
    headers = dict(options["headers"]) | {"Authorization": f"Bearer {described.administrator}"}
    kept = {name: options[name] for name in ("method", "url", "params", "json") if options.get(name) is not None}
    answer = described.client.request(headers=headers, **kept)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]
    else:
        assert str(answer.status_code) in operation.definition.raw["responses"]
