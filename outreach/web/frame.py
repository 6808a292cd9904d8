"""What all pages of the desk share: who asks, what they may see, and how an answer is made.

Every page is a function that returns plain data. The same data is shown through a template, or, under the
same address with `.json` at its end, as it is.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import FormData

from outreach.web import wording
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.accounts import User
from warehouse.access.roles import Role, require
from warehouse.access.sessions import Session, Sessions
from warehouse.database import engine_for, reading
from warehouse.errors import ForbiddenError, SettingsError, SignInNeededError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from outreach.web.views.rights import Rights

HERE = Path(__file__).parent
PREFIX = "/desk"
SIGN_IN = f"{PREFIX}/sign-in"
RENEWED = timedelta(minutes=1)
"""A session's cookie is written anew no more often than this."""
_WHOLE = re.compile(r"[0-9]{1,15}")
_HALF = re.compile("[\ud800-\udfff]")
TOKEN = "form_token"  # noqa: S105  the name of a field

FRAMED = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""What a page that stands in a frame of ours may do there: be looked at."""

Quality = Callable[[], Mapping[str, Any] | None]
"""Gives `bundle_id`, `html` and `data` of what recommends now; nothing where nothing does."""


@dataclass(frozen=True)
class Asked:
    """One question of somebody who signed in.

    Attributes:
        request: as it came.
        settings: in force now.
        user: who asks.
        session: theirs.
        now: the moment of the question.
        form: what they sent, where they act.
    """

    request: Request
    settings: Settings
    user: User
    session: Session
    now: datetime
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def masked(self) -> bool:
        """Whether personal data is hidden from them."""
        return not self.user.role.may(Role.REVIEWER)

    @property
    def wants_json(self) -> bool:
        """Whether a program asks."""
        return wants_json(self.request)

    def text(self, name: str) -> str:
        """A field of the form; empty where it was not sent."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def whole(self, name: str) -> int | None:
        """A field of the form that is a whole number of at most 15 digits; else `None`."""
        text = self.text(name)
        return int(text) if _WHOLE.fullmatch(text) else None


Slates = Callable[[Settings, str], list[dict[str, Any]]]
"""Gives a customer's current lists as rows of `slate, product_id, title, reason`, each list best first.

Raises:
    NotFoundError: nothing is published yet; an UnavailableError says the same of a server.
"""


class Frame:
    """What the pages of one home share.

    Args:
        settings: gives the settings in force.
        given: the same without what was changed at the desk.
        slates: gives what would be recommended to a customer; `None` where nothing does.
        rights: answers customers' requests for what is held of them, and for erasure; `None` where nothing
            does.
        quality: tells how good the recommendations are; the other half of the house knows.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        given: Settings,
        *,
        slates: Slates | None = None,
        rights: "Rights | None" = None,
        quality: Quality = lambda: None,
    ) -> None:
        self.settings, self.given, self.slates, self.rights = settings, given, slates, rights
        self.quality = quality
        self.templates = _templates()

    @cached_property
    def sessions(self) -> Sessions:
        """What knows its own sessions; the home's secret is read, or made, when it is first asked for."""
        return Sessions(self.settings())

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; with https, browsers see to it that it came over https."""
        return "__Secure-advocate" if self.is_secure else "advocate"

    @property
    def is_secure(self) -> bool:
        """Whether the desk is reached over https."""
        return self.settings().desk.url.startswith("https:")

    def needs(self, role: Role) -> Callable[[Request], Asked]:
        """Who asks for a page, if their role includes this one."""

        def asked(request: Request) -> Asked:
            found = self._signed_in(request)
            require(found.user.role, role, "see this page")
            return found

        return asked

    def acts(self, role: Role, what: str) -> Callable[[Request], Any]:
        """Who sends a form of their own session, if their role includes this one."""

        async def acting(request: Request) -> AsyncIterator[Asked]:
            refuse_other_sites(request, self.settings())
            self._refuse_strangers(request)  # before a file of theirs is read
            form = await form_of(request)
            try:
                yield self._acting(request, form, role, what)
            finally:
                await form.close()

        return acting

    def _acting(self, request: Request, form: FormData, role: Role, what: str) -> Asked:
        found = self._signed_in(request)
        sent = form.multi_items()
        refuse_unkept(*(text for name, value in sent for text in (name, value) if isinstance(text, str)))
        token = form.get(TOKEN) or request.headers.get("x-form-token", "")
        if not isinstance(token, str) or not self.sessions.is_of(token, found.session.session_id):
            raise ForbiddenError(
                "this form is not one of your session's: load the page again and send it from there; nothing "
                "was changed"
            )
        require(found.user.role, role, what)
        values = {name: form.getlist(name) if len(form.getlist(name)) > 1 else form[name] for name in form}
        return Asked(found.request, found.settings, found.user, found.session, found.now, values)

    def _refuse_strangers(self, request: Request) -> None:
        if self.sessions.read(request.cookies.get(self.cookie, ""), clock.now()) is None:
            raise SignInNeededError(PREFIX)

    def _signed_in(self, request: Request) -> Asked:
        refuse_unkept(request.url.path, *request.query_params.values())
        now, settings = clock.now(), self.settings()
        session = self.sessions.read(request.cookies.get(self.cookie, ""), now)
        if session is not None:
            with reading(engine_for(settings)) as database:
                user = accounts.signed_in(database, session.name, session.generation)
            if user is not None:
                return Asked(request, settings, user, session, now)
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInNeededError(f"{request.url.path}{query}" if request.method == "GET" else PREFIX)

    def shown(
        self, asked: Asked | None, template: str, data: Mapping[str, Any], status: int = 200
    ) -> Response:
        """A page, or its data."""
        if asked is not None and asked.wants_json:
            return self._renewed(asked, JSONResponse(jsonable_encoder(data), status))
        token = self.sessions.form_token(asked.session.session_id) if asked else ""
        page = self.templates.get_template(template).render(
            **data,
            asked=asked,
            user=asked.user if asked else None,
            form_token=token,
            shop=self.settings().outreach.shop_name,
        )
        made = HTMLResponse(page, status)
        return self._renewed(asked, made) if asked else made

    def _renewed(self, asked: Asked, response: Response) -> Response:
        if asked.now - asked.session.seen_at >= RENEWED:
            self.keep(response, asked.session, asked.now)
        return response

    def keep(self, response: Response, session: Session, now: datetime) -> None:
        """Writes a session's cookie."""
        self.set_cookie(response, self.cookie, self.sessions.written(session, now))

    def set_cookie(self, response: Response, name: str, value: str) -> None:
        """Writes a cookie that scripts cannot read and other sites do not send."""
        response.set_cookie(name, value, path=PREFIX, secure=self.is_secure, httponly=True, samesite="lax")

    def drop_cookie(self, response: Response, name: str) -> None:
        """Ends a cookie."""
        response.delete_cookie(name, path=PREFIX, secure=self.is_secure, httponly=True, samesite="lax")


@cache
def _templates() -> Environment:
    """The templates, each of which a process compiles once."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= wording.FILTERS
    made.globals |= {
        "prefix": PREFIX,
        "roles": {role.value: role for role in Role},
        "customer_address": customer_address,
    }
    return made


def wants_json(request: Request) -> bool:
    """Whether a program asks: by the address, or by what it accepts."""
    accepted = request.headers.get("accept", "")
    return request.url.path.endswith(".json") or accepted.startswith("application/json")


async def form_of(request: Request, most: int = 1000) -> FormData:
    """The fields of a form, at most so many.

    Raises:
        SettingsError: it says that it is in an encoding in which there are no texts.
    """
    try:
        return await request.form(max_fields=most)
    except ValueError as error:
        raise SettingsError("the form cannot be read as text; send it as UTF-8") from error


def refuse_unkept(*texts: str) -> None:
    """Refuses what no database keeps and nobody writes: NUL, and halves of characters.

    Raises:
        SettingsError: there is one.
    """
    if any("\0" in text or _HALF.search(text) for text in texts):
        raise SettingsError(
            "there is a NUL or half a character in what was sent; take it out and send it again"
        )


def refuse_other_sites(request: Request, settings: Settings) -> None:
    """Refuses what another site's page sends, where the browser says so.

    Raises:
        ForbiddenError: it does.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = {urlsplit(settings.desk.url).netloc, request.headers.get("host", "")}
    # Browsers that say the first say it truly; of a page without referrers they call the origin "null".
    is_other = site not in ("same-origin", "none") if site else origin and urlsplit(origin).netloc not in ours
    if is_other:
        raise ForbiddenError("another site sent this form; nothing was changed")


class Pages:
    """Registers pages, each with its twin in JSON.

    Args:
        router: where they go.
        frame: what they share.
    """

    def __init__(self, router: APIRouter, frame: Frame) -> None:
        self._router, self._frame = router, frame

    def show(self, path: str, template: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page: a function whose first argument is `asked` and that returns its data."""

        def add(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def answered(asked: Asked, **given: Any) -> Response:
                data = view(asked, **given)
                return data if isinstance(data, Response) else self._frame.shown(asked, template, data)

            for one in (f"{path}.json", path):
                self._router.add_api_route(one, answered, methods=["GET"], response_class=HTMLResponse)
            return view

        return add

    def act(self, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """What a form does: a function that returns where to go next, and what it did, for programs.

        Where it cannot do it, the function may answer itself.
        """

        def add(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def answered(asked: Asked, **given: Any) -> Response:
                made = view(asked, **given)
                if isinstance(made, Response):
                    return made
                onward, done = made
                if asked.wants_json:
                    return JSONResponse(jsonable_encoder(done))
                return RedirectResponse(onward, status_code=303)

            route: dict[str, Any] = {"response_class": HTMLResponse, "response_model": None}
            self._router.add_api_route(path, answered, methods=["POST"], **route)
            return view

        return add


def onward(back: str) -> str:
    """A page of the desk to go to, whatever somebody wrote into an address; else its first one."""
    parts = urlsplit(back)
    inside = back == PREFIX or back.startswith(f"{PREFIX}/")
    plain = not any(letter in back for letter in "\\\r\n\t") and ".." not in parts.path
    return back if inside and plain and not parts.netloc and not parts.scheme else PREFIX


def escaped(part: str) -> str:
    """A part of a path, whatever is in it."""
    return quote(part, safe="")


def customer_address(customer_id: str) -> str:
    """Where the page of a customer is, whatever their id.

    Browsers take `.` and `..` for folders even where they are escaped, and an address that ends in `.json`
    asks for data: such ids stand behind a question mark.
    """
    if customer_id in (".", "..") or customer_id.endswith(".json"):
        return f"{PREFIX}/customers?customer_id={escaped(customer_id)}"
    return f"{PREFIX}/customers/{escaped(customer_id)}"


def visit_id() -> str:
    """What tells the sign-in form of one browser from that of another."""
    return secrets.token_urlsafe(16)


def moment(text: str) -> datetime:
    """A moment as JSON has it."""
    return datetime.fromisoformat(text).astimezone(UTC)
