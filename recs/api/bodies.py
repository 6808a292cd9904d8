"""JSON bodies, read to the letter.

Python's reader takes the last of two equal keys, and `NaN`; a storefront that sends such a thing has a
defect, and is told so.
"""

import json
from typing import Any, NoReturn

from fastapi import HTTPException


def parse(body: bytes) -> Any:
    """The value that a body holds.

    Raises:
        HTTPException: 400; it is not JSON, or says a thing twice, or is nested too deeply.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_refuse,
            parse_int=_whole,
            parse_float=_number,
        )
    except UnicodeDecodeError as error:
        raise HTTPException(
            400, f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}; send JSON in UTF-8"
        ) from None
    except RecursionError:
        raise HTTPException(400, "the body is nested too deeply; see /docs for what it may hold") from None
    except json.JSONDecodeError as error:
        raise HTTPException(
            400, f"the body is not JSON: {error.msg}, in line {error.lineno}, column {error.colno}"
        ) from None


def require_json(content_type: str) -> None:
    """Checks what the body is said to be.

    Raises:
        HTTPException: 415; it is not JSON.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        said = f"is {content_type[:60]!r}" if content_type else "is missing"
        raise HTTPException(415, f"Content-Type {said}; send application/json")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise HTTPException(400, f"the body says {again[:60]!r} twice; say it once")
    return found


def _refuse(constant: str) -> NoReturn:
    raise HTTPException(400, f"{constant} is not JSON; send a number")


def _number(digits: str) -> int | float:
    """A number; `5.0` is a whole one, as JSON Schema has it."""
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _whole(digits: str) -> int:
    if len(digits) > 30:
        raise HTTPException(400, f"a number of {len(digits)} digits is too long; the largest allowed has 13")
    return int(digits)
