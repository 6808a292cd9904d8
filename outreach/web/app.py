"""The desk as an application of its own, to be mounted under `/desk`."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outreach.web import openid, signing_in
from outreach.web.frame import HERE, PREFIX, SIGN_IN, Frame, Pages, escaped, wants_json
from outreach.web.views import VIEWS
from outreach.web.yours import yours_app
from warehouse.errors import (
    AdvocateError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    SettingsError,
    SignInNeededError,
)

_log = logging.getLogger("advocate.desk")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""What a page of the desk may load: its own files, and no script or style that stands in the page."""
_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
}
_STATUS: tuple[tuple[type[AdvocateError], int, str], ...] = (
    (ConflictError, 409, "This was not done"),
    (NotFoundError, 404, "There is no such thing"),
    (ForbiddenError, 403, "This is not for you"),
    (SettingsError, 422, "This value is not possible"),
)


def desk_app(frame: Frame) -> FastAPI:
    """The application of all pages."""
    app = FastAPI(
        title="Review desk", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    pages = Pages(app.router, frame)
    signing_in.add(app.router, frame)
    openid.add(app.router, frame)
    for add in VIEWS:
        add(app.router, pages, frame)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    _explain(app, frame)
    app.add_middleware(Headers, frame=frame)
    return app


def customers_app(frame: Frame) -> FastAPI:
    """The application of customers' own pages, with the same headers."""
    app = yours_app(frame)
    app.add_middleware(Headers, frame=frame)
    return app


class Headers:
    """Gives every answer the headers that keep a browser in its bounds; a defect is a page, too.

    Args:
        app: what answers.
        frame: what pages share.
    """

    def __init__(self, app: ASGIApp, frame: Frame) -> None:
        self._app, self._frame = app, frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _HEADERS.items() if name not in there),
                ]
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, sent)
        except Exception:
            if begun:
                raise  # half an answer is out
            request_id = scope.get("state", {}).get("request_id", "")
            _log.exception("a defect of ours", extra={"request_id": request_id})
            data = {"title": "Something is broken here", "status": 500, "back": PREFIX}
            data["detail"] = f"It is our mistake, and nothing was changed. The log has it under {request_id}."
            await self._frame.shown(None, "problem.html", data, 500)(scope, receive, sent)


def _explain(app: FastAPI, frame: Frame) -> None:
    """Shows errors as pages that say what to do, or as JSON."""

    def said(request: Request, status: int, title: str, detail: str) -> Response:
        if wants_json(request):
            return JSONResponse({"title": title, "status": status, "detail": detail}, status)
        back = request.headers.get("referer", PREFIX)
        data = {"title": title, "detail": detail, "status": status, "back": _inside(back)}
        return frame.shown(None, "problem.html", data, status)

    def explained(request: Request, error: Exception) -> Response:
        if isinstance(error, SignInNeededError) and not wants_json(request):
            return RedirectResponse(f"{SIGN_IN}?next={escaped(error.back)}", status_code=303)
        return said(request, *_meaning(error))

    for kind in (SignInNeededError, AdvocateError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, explained)


def _meaning(error: Exception) -> tuple[int, str, str]:
    """Status, title and detail of an error."""
    if isinstance(error, SignInNeededError):
        return 401, "Sign in first", f"sign in at {SIGN_IN}; then ask again"
    if isinstance(error, RequestValidationError):
        flaws = (f"{' '.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:5])
        return 422, "A value is not as it should be", "; ".join(flaws)
    if isinstance(error, HTTPException):
        detail = "there is no page at this address" if error.status_code == 404 else str(error.detail)
        return error.status_code, "That did not work", detail
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return status, title, str(error)
    return 503, "Not now", getattr(error, "told", str(error))


def _inside(address: str) -> str:
    """Where somebody came from, as a path of the desk."""
    found = address.partition(PREFIX)[2]
    return f"{PREFIX}{found}" if found.startswith("/") and "//" not in found else PREFIX
