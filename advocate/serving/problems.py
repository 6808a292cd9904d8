"""Every error as problem details (RFC 9457), in words that say what to do."""

import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from warehouse.errors import AdvocateError, ErasedError, NotFoundError, SettingsError, UnavailableError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("advocate.problems")
MOST_FLAWS = 10
_SHOWN = 60

MEANINGS = {
    400: "The request cannot be read.",
    401: "There is no API key, or not a living one.",
    403: "The key has not the scope that this needs.",
    404: "There is no such thing.",
    405: "There is such a thing, but not this method.",
    408: "The headers took too long to come.",
    409: "The request is well formed, but does not fit what is here; `detail` says how.",
    413: "The body is larger than 1 MiB.",
    414: "The address is too long.",
    415: "The body is not application/json.",
    422: "A value is not as it should be; `detail` names it and says how it should be.",
    429: "The key has asked more often than it may; wait as long as Retry-After says.",
    431: "The headers are too large.",
    500: "A defect of ours; the log has it under `request_id`.",
    503: "Not now: nothing is published yet, the database does not answer, too much waits, or the server is "
    "ending. Ask again later.",
}
_OTHER = "See the status."


class Flaw(BaseModel):
    """One value that is not as it should be."""

    where: str = Field(description="Which value.", examples=["query n"])
    what: str = Field(description="What is wrong with it.", examples=["should be at most 1000"])


class Problem(BaseModel):
    """What went wrong, and what to do (RFC 9457)."""

    type: str = Field(description="A page on what this means.", examples=["/docs#problem-422"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What happened, with which value, and what to do next.")
    request_id: str = Field(description="Under this the log has it.")
    errors: list[Flaw] | None = Field(None, description="Each value that is not as it should be.")


def problem(
    scope: Mapping[str, Any],
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Iterable[Mapping[str, str]] = (),
) -> Response:
    """An error as a response.

    Args:
        scope: of the request; its state has the request id.
        status: of HTTP.
        detail: what happened, with which value, and what to do next.
        headers: besides.
        errors: `where` and `what` of each value that is wrong.
    """
    body: dict[str, Any] = {
        "type": f"/docs#problem-{status}" if status in MEANINGS else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": scope.get("state", {}).get("request_id", ""),
    }
    if flaws := list(errors):
        body["errors"] = flaws
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(text, status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def explain_errors(app: FastAPI) -> None:
    """Makes the application answer with problems only."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_values)
    app.add_exception_handler(AdvocateError, _of_ours)


def status_of(error: AdvocateError) -> int:
    """What an error of this house means over HTTP; what nobody outside can mend is 500."""
    if isinstance(error, ErasedError):
        return 404
    # Where a route did not say otherwise, nothing published is what was not found.
    if isinstance(error, UnavailableError | NotFoundError):
        return 503
    return 422 if isinstance(error, SettingsError) else 500


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404 and detail == "Not Found":
        detail = "there is nothing at this address; /docs lists what there is"
    elif error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "GET")
        detail = f"{request.method} is not possible here; use {headers['Allow']}"
    return problem(request.scope, error.status_code, detail, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of an address; the router knows only those of the first route that has it."""
    path = getattr(request.scope.get("route"), "path_format", "")
    operations = request.app.openapi()["paths"].get(path, {})
    return ", ".join(sorted(method.upper() for method in operations))


def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AdvocateError)
    status = status_of(error)
    if status == 500:
        raise error
    headers = {"retry-after": "1"} if status == 503 else None
    detail = str(error)
    if isinstance(error, UnavailableError) and error.told != detail:
        _log.warning("%s", detail, extra={"request_id": request.scope["state"]["request_id"]})
        detail = error.told
    return problem(request.scope, status, detail, headers=headers)


def _of_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    flaws = [_flaw(request, one) for one in error.errors()]
    detail = "; ".join(f"{flaw['where']} {flaw['what']}" for flaw in flaws[:MOST_FLAWS])
    if len(flaws) > MOST_FLAWS:
        detail += f"; and {len(flaws) - MOST_FLAWS} more"
    return problem(request.scope, 422, detail, errors=flaws[:MOST_FLAWS])


def _flaw(request: Request, error: Mapping[str, Any]) -> dict[str, str]:
    place, kind = tuple(error["loc"]), error["type"]
    where = " ".join(_short(part) for part in place)
    if kind == "extra_forbidden":
        return {"where": where, "what": f"is not known; known are: {', '.join(_known(request, place))}"}
    if kind == "missing":
        return {"where": where, "what": "is missing"}
    said = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    if kind == "value_error" or isinstance(error.get("input"), dict | list):
        return {"where": where, "what": said}
    return {"where": where, "what": f"{said} (it is {_short(error.get('input'), quoted=True)})"}


def _known(request: Request, place: tuple[Any, ...]) -> list[str]:
    """The names that may stand where an unknown one does."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return []
    fields = route.dependant.query_params if place[0] == "query" else route.dependant.body_params
    model: Any = fields[0].field_info.annotation
    for part in place[1:-1]:
        if isinstance(part, str):
            model = model.model_fields[part].annotation.__args__[0]
    return sorted(model.model_fields)


def _short(value: Any, *, quoted: bool = False) -> str:
    text = repr(value) if quoted else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
