"""What customers may ask of us: all that is held of them, and its erasure. Admins answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from outreach.web.frame import PREFIX, Asked, Frame, Pages
from warehouse.access.roles import Role
from warehouse.errors import NotFoundError, SettingsError
from warehouse.receipts import Receipt
from warehouse.settings import Settings


@dataclass(frozen=True)
class Rights:
    """Who carries out what customers ask for, in all rooms.

    Attributes:
        export: `(settings, customer_id, by)`: all that is held; it is in the audit log.
        erase: `(settings, customer_id, by, reason)`: erases it; later imports do not bring it back.
    """

    export: Callable[[Settings, str, str], dict[str, Any]]
    erase: Callable[[Settings, str, str, str], Receipt]


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the pages."""

    @router.post("/rights/export")
    def export(asked: Annotated[Asked, Depends(frame.acts(Role.ADMIN, "see all of it"))]) -> Response:
        held = _rights(frame).export(frame.given, asked.text("customer"), asked.user.name)
        text = json.dumps(held, ensure_ascii=False, indent=1)
        headers = {"content-disposition": 'attachment; filename="customer.json"'}
        return Response(
            text.encode("utf-8", "backslashreplace"), headers=headers, media_type="application/json"
        )

    @pages.act("/rights/erase")
    def erase(
        asked: Annotated[Asked, Depends(frame.acts(Role.ADMIN, "erase a customer"))],
    ) -> tuple[str, Any]:
        customer = asked.text("customer")
        if customer != asked.text("meant"):
            raise SettingsError("the id that was written is not this customer's; nothing was erased")
        receipt = _rights(frame).erase(frame.given, customer, asked.user.name, asked.text("reason"))
        return f"{PREFIX}/customers?erased=1", receipt.as_json()


def _rights(frame: Frame) -> Rights:
    if frame.rights is None:
        raise NotFoundError("this server cannot export or erase; use `advocate customers`")
    return frame.rights
