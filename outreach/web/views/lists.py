"""Lists of a batch: taken home as a file, edited, and brought back."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse
from starlette.datastructures import UploadFile

from outreach.lists.deciding import decide_by_list
from outreach.lists.writing import ENDINGS, write_list
from outreach.web.asking import Asking, asking
from outreach.web.frame import PREFIX, Asked, Frame, Pages
from outreach.web.masking import Mask
from warehouse.access.roles import Role
from warehouse.errors import FlawedListError, SettingsError

SHOWN = 500
"""Rows on the page of what is wrong."""
_PIECE = 256 * 1024
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the lists."""
    viewer, reviewer = Depends(frame.needs(Role.VIEWER)), Depends(frame.acts(Role.REVIEWER, "decide"))

    def export_as(ending: str) -> None:
        @router.get(f"/batches/{{batch}}/export.{ending}")
        def export(
            asked: Annotated[Asked, viewer], batch: str, given: Annotated[Asking, Depends(asking)]
        ) -> Response:
            return _exported(asked, batch, given, ending)

    for ending in ENDINGS:
        export_as(ending)

    @pages.act("/batches/{batch}/import")
    def bring_back(asked: Annotated[Asked, reviewer], batch: str) -> Response | tuple[str, Any]:
        content = _sent(asked)
        try:
            brought = decide_by_list(asked.settings, batch, content, by=asked.user.name)
        except FlawedListError as error:
            return _explained(frame, asked, batch, error)
        query = Asking().address(done=brought.entry, agreed=brought.agreed or None, brought=brought.notices)
        return f"{PREFIX}/batches/{brought.day}?{query}", asdict(brought)


def _exported(asked: Asked, batch: str, given: Asking, ending: str) -> Response:
    """The file is made whole before it is sent, so that what goes wrong is said on a page."""
    mask = Mask(asked)
    with ExitStack() as open_files:
        file = open_files.enter_context(TemporaryFile())
        written = write_list(
            asked.settings,
            batch,
            file,
            ending,
            by=asked.user.name,
            asked=given.filter(hides=mask.hides),
            sort=given.sort,
            mask=mask.one if mask.hides else None,
        )
        open_files.pop_all()  # it closes itself once it was sent
    size = file.seek(0, SEEK_END)
    file.seek(0)
    # Nothing of the name comes from what was asked or stored: a day has digits and dashes.
    name = f"batch-{written.day.isoformat()}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(size)}
    return StreamingResponse(_pieces(file), media_type=_TYPES[ending], headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _sent(asked: Asked) -> bytes:
    """What is in the file that was sent.

    Raises:
        SettingsError: none was, or several.
    """
    sent = asked.form.get("list")
    if not isinstance(sent, UploadFile):
        raise SettingsError("send one file, a CSV or XLSX, as the field `list`")
    content = sent.file.read()
    if not content:
        raise SettingsError("the file is empty; choose the list that you edited")
    return content


def _explained(frame: Frame, asked: Asked, batch: str, error: FlawedListError) -> Response:
    data = {
        "batch": batch,
        "total": len(error.flaws),
        "flaws": [asdict(flaw) for flaw in error.flaws[:SHOWN]],
        "detail": "nothing was changed: put these rows right, and bring the list in again",
    }
    conflicts = all(flaw.is_conflict for flaw in error.flaws)
    return frame.shown(asked, "flaws.html", data, 409 if conflicts else 422)
