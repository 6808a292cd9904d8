"""The HTTP service: the storefront's routes, and what stands around them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

from anyio import to_thread
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from advocate import erasing
from advocate.serving.describing import describe
from advocate.serving.keys import NO_KEYS, Keys, guard
from advocate.serving.leaving import Leaving
from advocate.serving.limits import Limits
from advocate.serving.measures import MEDIA_TYPE, Measures
from advocate.serving.pages import add_pages
from advocate.serving.problems import explain_errors, problem
from advocate.serving.watching import Watch
from outreach.web.app import customers_app, desk_app
from outreach.web.frame import PREFIX, Frame
from outreach.web.views.rights import Rights
from recs.api.desk import Desk
from recs.http import routes
from recs.quality import overview
from recs.shown import slates
from recs.threads import one_blas_thread
from warehouse.access.ring import READ_SECONDS, KeyRing
from warehouse.database import keep_connections
from warehouse.errors import AdvocateError, NotFoundError, UnavailableError
from warehouse.setting_changes import Current
from warehouse.settings import Settings

_log = logging.getLogger("advocate.server")
RIGHTS = Rights(
    export=lambda settings, customer, by: erasing.export_for(settings, customer, by=by),
    erase=lambda settings, customer, by, reason: erasing.erase(settings, customer, by=by, reason=reason),
)
"""What customers may ask for, in all rooms."""
NOTE_SECONDS = 1.0
"""How often what the log of served lists counted is taken over into the figures."""


def create_app(
    settings: Settings, *, keys: bool = True, grace: float = 10, leaving: Leaving | None = None
) -> FastAPI:
    """The application for one home; opens nothing before it is started or asked.

    Args:
        settings: the home.
        keys: whether an API key is needed.
        grace: seconds for writing what waits, once all requests are answered.
        leaving: how this process ends.
    """
    service = Service(settings, grace, leaving or Leaving(), keys=keys)
    app = FastAPI(
        title="advocate",
        summary="What each customer would want next.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=service.lifespan,
    )
    app.include_router(routes(service.desk))
    frame = Frame(
        Current(settings),
        settings,
        slates=lambda _, customer: slates(service.desk.open(), customer),
        rights=RIGHTS,
        quality=partial(overview, settings),
    )
    app.mount(PREFIX, desk_app(frame))
    app.mount("/yours", customers_app(frame))

    @app.get(PREFIX, include_in_schema=False)
    def way_in() -> Response:
        return RedirectResponse(f"{PREFIX}/", status_code=303)

    explain_errors(app)
    _add_service_routes(app, service)
    add_pages(app)
    describe(app, keys=keys)
    # The last one added is the first one asked.
    if keys:
        guard(app.routes)
        app.add_middleware(Keys, ring=lambda: service.ring)
    app.add_middleware(Limits)
    app.add_middleware(Watch, figures=service.measures)
    return app


class Health(BaseModel):
    """The process answers."""

    status: str = Field(examples=["alive"])


class Readiness(BaseModel):
    """Requests may be sent."""

    status: str = Field(examples=["ready"])
    bundle_id: str = Field(examples=["2017-11-30-1f0c5d2a9b7e4c31"])


class Service:
    """What one process holds open, and how it starts and ends."""

    def __init__(self, settings: Settings, grace: float, leaving: Leaving, *, keys: bool) -> None:
        self.ring: KeyRing | None = None
        self._keys = keys
        self._settings, self._grace, self.leaving = settings, grace, leaving
        self.measures = Measures(self._bundle)
        self.desk = Desk(settings, self.measures)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Opens what is there already; at the end writes what waits."""
        for opening in (self.open_ring, self.desk.open):
            try:
                await to_thread.run_sync(opening)
            except (UnavailableError, NotFoundError) as error:
                _log.warning("not ready yet: %s", error)
        beside = [asyncio.create_task(self._note()), asyncio.create_task(self._find_keys())]
        # One request's products of matrices are small: threads of BLAS would only wait for each other.
        with one_blas_thread(), self.leaving.on_signal():
            yield
        for task in beside:
            task.cancel()
        await to_thread.run_sync(self._close)

    def _close(self) -> None:
        self.desk.close(self.leaving.left(self._grace))
        self.measures.note(self.desk.log)
        if self.ring is not None:
            self.ring.close(min(READ_SECONDS, self.leaving.left(self._grace)))

    def open_ring(self) -> None:
        """Reads the living keys, if they are needed; they are read ever after in a thread of their own."""
        if self._keys and self.ring is None:
            self.ring = KeyRing(self._settings)

    async def _find_keys(self) -> None:
        """Tries again where the keys could not be read at the start; no request waits for that."""
        while self._keys and self.ring is None:
            await asyncio.sleep(READ_SECONDS)
            with contextlib.suppress(AdvocateError, SQLAlchemyError):
                await to_thread.run_sync(self.open_ring, abandon_on_cancel=True)

    def require_keys(self) -> None:
        """Checks that those who ask can be told apart.

        Raises:
            UnavailableError: their keys could not be read yet.
        """
        if self._keys and self.ring is None:
            raise UnavailableError(NO_KEYS)

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            self.measures.note(self.desk.log)

    def page(self) -> bytes:
        """The figures."""
        self.measures.note(self.desk.log)
        return self.measures.page()

    def _bundle(self) -> tuple[str, float] | None:
        scorer = self.desk.opened
        if scorer is None:
            return None
        bundle_id = scorer.bundle_id
        day = datetime.strptime(bundle_id[:10], "%Y-%m-%d").replace(tzinfo=UTC)
        return bundle_id, (day + timedelta(days=1)).timestamp()


def _add_service_routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["service"], operation_id="healthz", summary="Whether the process is alive")
    async def healthz() -> Health:
        """It answers; nothing else is asked."""
        return Health(status="alive")

    @app.get(
        "/readyz",
        tags=["service"],
        operation_id="readyz",
        summary="Whether requests may be sent here",
        response_model=Readiness,
    )
    async def readyz(request: Request) -> Response:
        """A bundle is published and open, and the process is not about to end; else 503 with the reason."""
        if service.leaving.begun:
            return problem(request.scope, 503, "this server is shutting down; send requests elsewhere")
        service.require_keys()
        scorer = service.desk.opened or await service.desk.scorer()
        return JSONResponse({"status": "ready", "bundle_id": scorer.bundle_id})

    @app.get(
        "/metrics",
        tags=["service"],
        operation_id="metrics",
        summary="The service's own figures, for Prometheus",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Of all processes together."""
        return Response(await to_thread.run_sync(service.page), media_type=MEDIA_TYPE)


def factory(settings: Settings, *, keys: bool, grace: float, drain: float) -> "partial[FastAPI]":
    """Makes the application, in the process that is to serve it: all of this can be sent there."""
    return partial(_application, settings, keys=keys, grace=grace, drain=drain)


def _application(settings: Settings, *, keys: bool, grace: float, drain: float) -> FastAPI:
    keep_connections()
    return create_app(settings, keys=keys, grace=grace, leaving=Leaving(drain))
