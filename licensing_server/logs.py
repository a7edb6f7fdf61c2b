"""Structured logs on standard error. By design they hold no tokens, positions or names; what slips in is struck out."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_SECRET = frozenset(
    {
        "authorization",
        "token",
        "secret",
        "passphrase",
        "password",
        "name",
        "latitude",
        "longitude",
        "position",
        "fix",
        "body",
    }
)


def configure(*, as_json: bool, level: int = logging.INFO) -> None:
    """Set up logging once, for the whole process: JSON lines, or lines for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        strike_out,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        # The text of a traceback without the values of variables: those may be secrets.
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    else:
        plain_traceback = structlog.dev.plain_traceback
        last += [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    handler = _Stderr()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for wordy in ("uvicorn", "alembic", "asyncio"):
        logging.getLogger(wordy).setLevel(logging.WARNING)


class _Stderr(logging.Handler):
    """Writes to what is standard error at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, at once."""
        sys.stderr.write(f"{self.format(record)}\n")


def strike_out(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replace the values of members that could hold a secret, a position or a person's name."""
    return {name: "…" if name.lower() in _SECRET else value for name, value in event.items()}
