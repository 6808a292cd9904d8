"""Who asks: API keys with scopes and rates. What is not listed as open needs a key.

`Keys` stands before the router and finds out who asks. What they may is asked behind it, by the route that
was matched: a path that only looks like another cannot take its scope.
"""

import math
from collections.abc import Callable, Iterable

from fastapi import HTTPException
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from advocate.serving.problems import problem
from warehouse.access.keys import Scope as KeyScope
from warehouse.access.rates import Rates
from warehouse.access.ring import Key, KeyRing
from warehouse.errors import UnavailableError

OPEN = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
"""What probes and people may see without a key; it tells nothing about anyone."""

PEOPLE = ("/desk", "/yours")
"""Where people sign in by themselves, or come with a link of their own; keys are for programs."""

_SCOPES: dict[str, KeyScope] = {"/metrics": KeyScope.METRICS, "/v1/events": KeyScope.EVENTS}

NO_KEYS = "API keys cannot be checked now, so every key is refused; try again in a minute"

HOW = "send `Authorization: Bearer KEY` or `X-API-Key: KEY`; `advocate keys add` makes one"


class Keys:
    """Lets through who may.

    Args:
        app: what answers them.
        ring: the living keys of this home; `None` while they could not be read yet.
    """

    def __init__(self, app: ASGIApp, ring: Callable[[], KeyRing | None]) -> None:
        self._app, self._ring, self._rates = app, ring, Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        needed = scope["type"] == "http" and not is_open(scope["path"])
        if needed and (refused := self._refusal(scope)):
            status, detail, headers = refused
            await problem(scope, status, detail, headers=headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        presented = _presented(scope["headers"])
        if presented is None:
            return 401, f"this needs an API key; {HOW}", _challenge()
        try:
            key = self._match(presented)
        except UnavailableError as error:
            return 503, error.told, {"retry-after": "1"}
        if key is None:
            detail = f"the API key is not known, has expired or was revoked; {HOW}"
            return 401, detail, _challenge('error="invalid_token"')
        scope["state"] |= {"key": key.name, "granted": key.scopes}
        if wait := self._rates.allow(key):
            rate = key.requests_per_second
            detail = f"key {key.name!r} may ask {rate} times a second; wait as long as Retry-After says"
            return 429, detail, {"retry-after": str(math.ceil(wait))}
        return None

    def _match(self, presented: str) -> Key | None:
        ring = self._ring()
        if ring is None:
            raise UnavailableError(NO_KEYS)
        return ring.match(presented)


def is_open(path: str) -> bool:
    """Whether a path is answered without a key."""
    return path in OPEN or any(path == root or path.startswith(f"{root}/") for root in PEOPLE)


def guard(routes: Iterable[BaseRoute]) -> None:
    """Makes each route ask for its scope itself, but for those that are open.

    Raises:
        KeyError: nobody has said which scope a route needs.
    """
    for route in routes:
        if isinstance(route, Mount):
            continue  # whoever signs in there needs no key
        assert isinstance(route, Route)
        if not is_open(route.path_format):
            route.app = _Guarded(route.app, scope_of(route.path_format))


class _Guarded:
    """A route for those whose key has its scope, and for nobody who came past `Keys`."""

    def __init__(self, app: ASGIApp, needed: KeyScope) -> None:
        self._app, self._needed = app, needed.value

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        if self._needed not in state.get("granted", ()):
            detail = f"key {state.get('key')!r} has no scope {self._needed!r}; ask for a key that has it"
            challenge = _challenge('error="insufficient_scope"', f'scope="{self._needed}"')
            raise HTTPException(403, detail, headers=challenge)
        await self._app(scope, receive, send)


def scope_of(path: str) -> KeyScope:
    """The scope that a route needs, by the template of its path."""
    if path not in _SCOPES and path.startswith("/v1/"):
        return KeyScope.RECOMMEND
    return _SCOPES[path]


def _presented(headers: list[tuple[bytes, bytes]]) -> str | None:
    found = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            if scheme.lower() == b"bearer":
                return key.strip().decode("latin-1")
        elif name == b"x-api-key":
            found = value.strip().decode("latin-1")
    return found


def _challenge(*more: str) -> dict[str, str]:
    return {"www-authenticate": ", ".join(['Bearer realm="advocate"', *more])}
