"""Structured logs on standard error. By design they hold no tokens, positions or names; what slips in is struck out."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
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
_MOST_CAUSES = 8


def configure(*, as_json: bool, level: int = logging.INFO) -> None:
    """Set up logging once, for the whole process: JSON lines, or lines for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        strike_out,
        tell_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        last += [structlog.processors.JSONRenderer(sort_keys=True)]
    else:
        last += [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
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


def tell_exception(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Tell an exception by its types and places only: its message may repeat a value that was sent."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_places(error))
    return event


def _places(error: BaseException) -> Iterator[str]:
    told: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if told is None:
            return
        yield type(told).__qualname__
        for frame in traceback.extract_tb(told.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
