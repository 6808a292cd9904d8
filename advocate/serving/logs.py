"""Logs as JSON, a line each, on standard error: for machines that gather them, without anyone's data."""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

FIELDS = ("route", "method", "status", "ms", "request_id", "key")
"""What a line may say besides its message; nothing else that is attached to a record is written."""


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        line.update({name: value for name in FIELDS if (value := getattr(record, name, None)) is not None})
        if record.exc_info:
            line["trace"] = _trace(record.exc_info[1])
        return to_json(line).decode()


def _trace(error: BaseException | None) -> list[str]:
    """Where an error came from, newest first: kinds and places, no messages, which may name a customer."""
    lines: list[str] = []
    while error is not None:
        places = traceback.extract_tb(error.__traceback__)
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        lines += [*(f"{at.filename}:{at.lineno} {at.name}" for at in places), kind]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def configuration(level: str) -> dict[str, Any]:
    """The logging of a server process, for `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": Lines}},
        "handlers": {
            "err": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["err"], "level": "WARNING"},
        "loggers": {"advocate": {"level": level.upper()}, "uvicorn": {"level": level.upper()}},
    }
