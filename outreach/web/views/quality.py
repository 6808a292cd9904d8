"""*Quality*: how good the recommendations are that are served now, and what was served before."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from outreach.web.frame import FRAMED, Asked, Frame, Pages
from warehouse.access.roles import Role
from warehouse.errors import NotFoundError


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the page, and the bundle's own report to stand in it."""
    viewer = Depends(frame.needs(Role.VIEWER))

    @pages.show("/quality", "quality.html")
    def quality(asked: Annotated[Asked, viewer]) -> dict[str, Any]:  # noqa: ARG001  whoever is signed in
        found = frame.quality()
        if found is None:
            return {"bundle_id": None, "has_report": False, "quality": None}
        return {
            "bundle_id": found["bundle_id"],
            "has_report": found["html"] is not None,
            "quality": found["data"],
        }

    @router.get("/quality/report", response_class=HTMLResponse)
    def report(asked: Annotated[Asked, viewer]) -> Response:  # noqa: ARG001  whoever is signed in
        found = frame.quality()
        if found is None or found["html"] is None:
            raise NotFoundError(
                "there is no report: the bundle that is served has none, or there is no bundle"
            )
        return HTMLResponse(found["html"], headers={"content-security-policy": FRAMED})
