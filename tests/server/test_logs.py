"""What a log line may say: where something failed, and never what was sent."""

from __future__ import annotations

import io
import logging
from contextlib import redirect_stderr

import pytest
import structlog

from licensing_server import logs

SENT = "enrol-4711"


@pytest.mark.parametrize("as_json", [True, False])
def test_an_exception_is_told_by_its_types_and_places_alone(as_json: bool) -> None:
    told = _logged(as_json=as_json)
    assert SENT not in told
    assert told.count("KeyError") == told.count("ValueError") == 2
    assert "test_logs.py" in told


def _logged(*, as_json: bool) -> str:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    options = structlog.get_config()
    written = io.StringIO()
    try:
        logs.configure(as_json=as_json)
        with redirect_stderr(written):
            _fail()
    finally:
        root.handlers, root.level = before, level
        structlog.configure(**options)
    return written.getvalue()


def _fail() -> None:
    try:
        try:
            int(SENT)
        except ValueError as error:
            raise KeyError(SENT) from error
    except KeyError:
        structlog.get_logger("interlock.test").exception("failed", token=SENT)
        logging.getLogger("elsewhere").exception("failed")
