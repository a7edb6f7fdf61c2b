"""Writes the API's description: ``python -m licensing_server.openapi docs/reference/openapi.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from licensing_server.app import create_app
from licensing_server.config import Settings
from licensing_server.setup import initialise, open_server


def rendered(document: dict[str, Any]) -> str:
    """Return the document as it is kept: sorted and indented, so that a change is easy to read."""
    return to_json(_sorted(document), indent=1).decode("utf-8") + "\n"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value


def main(path: Path) -> None:
    """Write the description of this version's API."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", database_url=None)
        initialise(settings, "nobody")
        database, custody = open_server(settings)
        document = create_app(settings, database, custody, with_jobs=False).openapi()
        database.close()
    path.write_text(rendered(document), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
