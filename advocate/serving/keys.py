"""Who asks: API keys with scopes and rates. What is not listed as open needs a key."""

import math
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from advocate.serving.problems import problem
from warehouse.access.keys import Scope as KeyScope
from warehouse.access.rates import Rates
from warehouse.access.ring import KeyRing

OPEN = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
"""What probes and people may see without a key; it tells nothing about anyone."""

_SCOPES: dict[str, KeyScope] = {"/metrics": KeyScope.METRICS, "/v1/events": KeyScope.EVENTS}

HOW = "send `Authorization: Bearer KEY` or `X-API-Key: KEY`; `advocate keys add` makes one"


class Keys:
    """Lets through who may.

    Args:
        app: what answers them.
        ring: the living keys of this home.
    """

    def __init__(self, app: ASGIApp, ring: Callable[[], KeyRing]) -> None:
        self._app, self._ring, self._rates = app, ring, Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "http" and scope["path"] not in OPEN and (refused := self._refusal(scope)):
            status, detail, headers = refused
            await problem(scope, status, detail, headers=headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        presented = _presented(scope["headers"])
        if presented is None:
            return 401, f"this needs an API key; {HOW}", _challenge()
        key = self._ring().match(presented)
        if key is None:
            detail = f"the API key is not known, has expired or was revoked; {HOW}"
            return 401, detail, _challenge('error="invalid_token"')
        scope["state"]["key"] = key.name
        if wait := self._rates.allow(key):
            rate = key.requests_per_second
            detail = f"key {key.name!r} may ask {rate} times a second; wait as long as Retry-After says"
            return 429, detail, {"retry-after": str(math.ceil(wait))}
        needed = scope_of(scope["path"])
        if not key.may(needed):
            detail = f"key {key.name!r} has no scope {needed.value!r}; ask for a key that has it"
            return 403, detail, _challenge(f'error="insufficient_scope", scope="{needed.value}"')
        return None


def scope_of(path: str) -> KeyScope:
    """The scope that a path needs."""
    return _SCOPES.get(path, KeyScope.RECOMMEND)


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
