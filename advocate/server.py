"""The HTTP service: the storefront's routes, and whether it is alive and ready."""

from functools import cache

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from recs.http import routes
from recs.scoring import Scorer
from warehouse.errors import AdvocateError, NotFoundError
from warehouse.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application for one home."""

    @cache
    def scorer() -> Scorer:
        return Scorer.open(settings)

    app = FastAPI(title="advocate", summary="What each customer would want next.", version="1")
    app.include_router(routes(scorer))
    app.add_exception_handler(AdvocateError, _explain)

    @app.get("/healthz", tags=["service"])
    def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["service"])
    def readyz() -> dict[str, str]:
        """A bundle is published and can be served; 503 until then."""
        return {"status": "ready", "bundle_id": scorer().bundle_id}

    return app


def _explain(_request: Request, error: Exception) -> JSONResponse:
    """An error a person can act on, as RFC 9457 problem details; nothing published yet is 503."""
    status = 503 if isinstance(error, NotFoundError) else 500
    body = {"title": type(error).__name__, "status": status, "detail": str(error)}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
