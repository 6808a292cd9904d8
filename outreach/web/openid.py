"""Signing in at a provider: the way there, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from outreach.web.frame import PREFIX, SIGN_IN, Frame, onward
from warehouse import clock
from warehouse.access import elsewhere
from warehouse.access.openid import Provider
from warehouse.errors import ForbiddenError, NotFoundError

PATH = "/sign-in/openid"
_COOKIE = "openid"
_LONGEST = 4000
_ERRORS = {
    "access_denied": "you, or your provider, refused it",
    "login_required": "your provider wants you to sign in there first",
    "interaction_required": "your provider wants to ask you something first",
    "consent_required": "your provider wants your consent first",
    "temporarily_unavailable": "your provider is busy; try again in a minute",
    "server_error": "your provider is in trouble; try again in a minute",
}


def add(router: APIRouter, frame: Frame) -> None:
    """Adds both ways."""
    provider = Provider(frame.settings)

    @router.get(PATH, response_class=HTMLResponse)
    def leave(back: Annotated[str, Query(alias="next", max_length=_LONGEST)] = PREFIX) -> Response:
        _refuse_unset(frame)
        address, way = provider.leave(onward(back), _return_to(frame), clock.now())
        made = RedirectResponse(address, status_code=303)
        frame.set_cookie(made, _COOKIE, way)
        return made

    @router.get(f"{PATH}/back", response_class=HTMLResponse)
    def come_back(
        request: Request,
        state: Annotated[str, Query(max_length=_LONGEST)] = "",
        code: Annotated[str, Query(max_length=_LONGEST)] = "",
        error: Annotated[str, Query(max_length=_LONGEST)] = "",
    ) -> Response:
        _refuse_unset(frame)
        now = clock.now()
        way = provider.way(request.cookies.get(_COOKIE, ""), state, now)
        if error or not code:
            # What the provider says beside it may be anybody's words: it came with the address.
            raise ForbiddenError(f"you were not signed in: {_ERRORS.get(error, 'ask your admin')}")
        identity = provider.identity(way, code, _return_to(frame))
        user = elsewhere.enter(frame.settings(), identity)
        made = RedirectResponse(onward(way.back), status_code=303)
        frame.keep(made, frame.sessions.begin(user, now), now)
        frame.drop_cookie(made, _COOKIE)
        return made


def button(frame: Frame, back: str) -> dict[str, str] | None:
    """What the sign-in page shows for it, `name` and `next`; `None` where no provider is set."""
    desk = frame.settings().desk
    return {"name": desk.oidc_name, "next": onward(back)} if desk.oidc_issuer else None


def _refuse_unset(frame: Frame) -> None:
    if not frame.settings().desk.oidc_issuer:
        raise NotFoundError(f"no provider is set to sign in at; sign in with a password at {SIGN_IN}")


def _return_to(frame: Frame) -> str:
    """As it was told to the provider: of the settings, whatever host a request names."""
    return f"{frame.settings().desk.url}{PREFIX}{PATH}/back"
