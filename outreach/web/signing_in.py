"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from outreach.web import openid
from outreach.web.frame import (
    PREFIX,
    SIGN_IN,
    TOKEN,
    Asked,
    Frame,
    onward,
    refuse_other_sites,
    refuse_unkept,
    visit_id,
)
from warehouse import clock
from warehouse.access import accounts, attempts
from warehouse.access.roles import Role
from warehouse.errors import ForbiddenError

_VISIT = "visit"
_WRONG = "That name and password do not belong together. Try again, or ask an admin for a new password."


def add(router: APIRouter, frame: Frame) -> None:
    """Adds the pages."""

    def form(
        request: Request, back: str, *, name: str = "", problem: str = "", status: int = 200
    ) -> Response:
        visit = request.cookies.get(_VISIT) or visit_id()
        data = {
            "back": onward(back),
            "name": name,
            "problem": problem,
            "visit_token": frame.sessions.form_token(visit),
            "elsewhere": openid.button(frame, back),
            "nobody": not accounts.users(frame.settings()),
        }
        made = frame.shown(None, "sign_in.html", data, status)
        frame.set_cookie(made, _VISIT, visit)
        return made

    @router.get("/sign-in", response_class=HTMLResponse)
    def sign_in_page(request: Request, back: Annotated[str, Query(alias="next")] = PREFIX) -> Response:
        return form(request, back)

    @router.post("/sign-in", response_class=HTMLResponse)
    def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=200)],
        password: Annotated[str, Form(max_length=1000)],
        token: Annotated[str, Form(alias=TOKEN, max_length=200)],
        back: Annotated[str, Form(alias="next", max_length=2000)] = PREFIX,
    ) -> Response:
        settings, now = frame.settings(), clock.now()
        refuse_other_sites(request, settings)
        refuse_unkept(name, password, token, back)
        if not frame.sessions.is_of(token, request.cookies.get(_VISIT, "")):
            return form(request, back, name=name, problem="This form was too old; try again.", status=403)
        address = request.client.host if request.client else ""
        wait = attempts.wait(settings, name, address, now)
        if wait:
            said = f"Too many attempts; try again in {wait} minutes."
            return form(request, back, name=name, problem=said, status=429)
        user = accounts.sign_in(settings, name, password)
        attempts.note(settings, name, address, now, succeeded=user is not None)
        if user is None:
            return form(request, back, name=name, problem=_WRONG, status=401)
        made = RedirectResponse(onward(back), status_code=303)
        frame.keep(made, frame.sessions.begin(user, now), now)
        frame.drop_cookie(made, _VISIT)
        return made

    @router.post("/sign-out", response_class=HTMLResponse)
    def sign_out(asked: Annotated[Asked, Depends(frame.acts(Role.VIEWER, "sign out"))]) -> Response:
        if asked.user is None:
            raise ForbiddenError("nobody is signed in")
        made = RedirectResponse(SIGN_IN, status_code=303)
        frame.drop_cookie(made, frame.cookie)
        return made
