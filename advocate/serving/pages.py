"""`/docs`: the API on a page that needs no script and nothing from elsewhere."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from advocate.serving.reference import page


def add_pages(app: FastAPI) -> None:
    """Adds the page to the application."""
    style = files("advocate.serving").joinpath("templates/docs.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"

    @cache
    def made() -> str:
        return page(app.openapi(), "docs.html", style=style)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(made(), headers={"content-security-policy": policy})
