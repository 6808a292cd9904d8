"""Every route of the desk, found in the application itself, with what its path needs and who may ask.

A page that is new is picked up without a word. It fails until `MAY` says who may see it and, where its path
has a name that is new, until `PARAMETERS` says what exists under it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import isclass
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import select
from starlette.routing import Mount

import outreach.web
from outreach.models import BatchRow, NoticeRow
from outreach.promises.models import PromiseRow
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

ANYBODY = None
MAY: dict[tuple[str, str], Role | None] = {
    ("GET", "/"): ANYBODY,
    ("GET", "/sign-in"): ANYBODY,
    ("POST", "/sign-in"): ANYBODY,
    ("GET", "/sign-in/openid"): ANYBODY,
    ("GET", "/sign-in/openid/back"): ANYBODY,
    ("POST", "/sign-out"): Role.VIEWER,
    ("GET", "/tonight"): Role.VIEWER,
    ("GET", "/batches/{batch}"): Role.VIEWER,
    ("GET", "/batches/{batch}/export.csv"): Role.VIEWER,
    ("GET", "/batches/{batch}/export.xlsx"): Role.VIEWER,
    ("GET", "/batches/{batch}/export.parquet"): Role.VIEWER,
    ("POST", "/batches/{batch}/import"): Role.REVIEWER,
    ("POST", "/batches/{batch}/decide"): Role.REVIEWER,
    ("POST", "/batches/{batch}/undo/{entry}"): Role.REVIEWER,
    ("POST", "/batches/{batch}/submit"): Role.REVIEWER,
    ("GET", "/notices/{notice_id}"): Role.VIEWER,
    ("GET", "/notices/{notice_id}/message"): Role.VIEWER,
    ("GET", "/notices/{notice_id}/{way}"): Role.VIEWER,
    ("POST", "/notices/{notice_id}/decide"): Role.REVIEWER,
    ("POST", "/notices/{notice_id}/edit"): Role.REVIEWER,
    ("POST", "/notices/{notice_id}/preview"): Role.REVIEWER,
    ("POST", "/notices/{notice_id}/test"): Role.REVIEWER,
    ("GET", "/customers"): Role.REVIEWER,
    ("GET", "/customers/{customer_id:id}"): Role.REVIEWER,
    ("POST", "/customers/find"): Role.REVIEWER,
    ("POST", "/customers/grant"): Role.REVIEWER,
    ("POST", "/customers/word"): Role.REVIEWER,
    ("POST", "/rights/export"): Role.ADMIN,
    ("POST", "/rights/erase"): Role.ADMIN,
    ("GET", "/why-not"): Role.VIEWER,
    ("GET", "/why-not/customers"): Role.VIEWER,
    ("GET", "/why-not/customer"): Role.REVIEWER,
    ("GET", "/ledger"): Role.VIEWER,
    ("GET", "/ledger/{promise_id}"): Role.VIEWER,
    ("POST", "/ledger/credit"): Role.REVIEWER,
    ("POST", "/ledger/word"): Role.REVIEWER,
    ("POST", "/ledger/{promise_id}/pay"): Role.APPROVER,
    ("POST", "/ledger/{promise_id}/void"): Role.APPROVER,
    ("POST", "/ledger/{promise_id}/keep"): Role.REVIEWER,
    ("POST", "/ledger/{promise_id}/reopen"): Role.REVIEWER,
    ("GET", "/results"): Role.VIEWER,
    ("GET", "/quality"): Role.VIEWER,
    ("GET", "/quality/report"): Role.VIEWER,
    ("GET", "/rules"): Role.VIEWER,
    ("GET", "/rules/{name}"): Role.VIEWER,
    ("POST", "/rules/{name}/try"): Role.REVIEWER,
    ("POST", "/rules/{name}/save"): Role.ADMIN,
    ("POST", "/pause"): Role.REVIEWER,
    ("POST", "/resume"): Role.APPROVER,
}
"""The least role that each route takes, written by hand: what the code says of itself proves nothing."""


def _column(query: "select") -> Callable[[Settings], list[str]]:  # type: ignore[valid-type]
    def read(home: Settings) -> list[str]:
        with reading(engine_for(home)) as session:
            return [str(one) for one in session.scalars(query)]

    return read


PARAMETERS: dict[str, Callable[[Settings], list[str]]] = {
    "batch": _column(select(BatchRow.day)),
    "notice_id": _column(select(NoticeRow.notice_id).order_by(NoticeRow.notice_id)),
    "customer_id": _column(select(NoticeRow.customer_id).distinct().order_by(NoticeRow.customer_id)),
    "promise_id": _column(select(PromiseRow.promise_id).order_by(PromiseRow.promise_id)),
    "entry": _column(select(AuditRow.number).order_by(AuditRow.number.desc()).limit(1)),
    "name": lambda _: ["outreach.shop_name", "outreach.cap_days"],
    "way": lambda _: ["next", "before"],
}
"""What exists under each name that paths have."""
QUERIES = {"/why-not/customers": "?reason=contact", "/why-not/customer": "?customer_id=nobody"}
"""What a page cannot do without."""
_NAME = re.compile(r"{(\w+)(?::\w+)?}")
_ASKED = re.compile(r"query_params(?:\.get\(|\[)[\"'](\w+)")


@dataclass(frozen=True)
class Route:
    """One route: its method, its path behind `/desk` without `.json`, and whether it is the twin in JSON."""

    method: str
    path: str
    is_twin: bool
    route: APIRoute

    @property
    def needs(self) -> Role | None:
        """The least role it takes."""
        key = (self.method, self.path)
        assert key in MAY, f"say in MAY of {Path(__file__).name} who may ask for {key}"
        return MAY[key]

    @property
    def names(self) -> list[str]:
        """The names in its path."""
        return _NAME.findall(self.path)

    def addresses(self, home: Settings, most: int = 1000) -> list[str]:
        """Its addresses, with everything that exists under the names in its path."""
        made = [self.path]
        for name in self.names:
            assert name in PARAMETERS, f"say in PARAMETERS of {Path(__file__).name} what exists as {name!r}"
            values = PARAMETERS[name](home)[:most]
            made = [self.filled(path, name, value) for path in made for value in values]
        assert made, f"nothing exists for {self.path}; give the home of this test one"
        return [f"/desk{path}{'.json' if self.is_twin else ''}{QUERIES.get(self.path, '')}" for path in made]

    def with_ids(self, value: str) -> str:
        """Its address with this text as every id."""
        path = self.path
        for name in self.names:
            path = self.filled(path, name, value)
        return f"/desk{path}"

    @staticmethod
    def filled(path: str, name: str, value: str) -> str:
        """A path with a value in the place of a name."""
        return re.sub(rf"{{{name}(:\w+)?}}", lambda _: quote(value, safe=""), path)

    @property
    def fields(self) -> list[str]:
        """What its address may ask for."""
        return [*self.declared, *self.loose]

    @property
    def loose(self) -> list[str]:
        """What its page, or another one, reads from the address without declaring it."""
        return LOOSE

    @property
    def declared(self) -> list[str]:
        """What it says that its address may ask for."""
        names: list[str] = []
        for one in get_flat_dependant(self.route.dependant).query_params:
            kind = one.field_info.annotation
            names += kind.model_fields if isclass(kind) and issubclass(kind, BaseModel) else [one.alias]
        return names


def _loose() -> list[str]:
    sources = Path(outreach.web.__file__).parent
    files = [*sources.rglob("*.py"), *sources.rglob("*.html")]
    return sorted({name for file in files for name in _ASKED.findall(file.read_text())})


LOOSE = _loose()
"""What pages read from their address without declaring it."""


def routes_of(app: FastAPI, method: str | None = None) -> list[Route]:
    """The routes of the desk in an application."""
    found = list(_routes(app))
    assert len(found) > 20
    return [one for one in found if method in (None, one.method)]


def _routes(app: FastAPI) -> Iterator[Route]:
    desk = next(one.app for one in app.routes if isinstance(one, Mount) and one.path == "/desk")
    assert isinstance(desk, FastAPI)
    for route in desk.routes:
        if isinstance(route, Mount):
            assert route.path == "/static", (
                f"nobody attacks what is mounted at {route.path}; add it to the tests"
            )
            continue
        assert isinstance(route, APIRoute), f"nobody attacks {route}; add its kind to the tests"
        for method in sorted(route.methods):
            path = route.path.removesuffix(".json")
            yield Route(method, path, route.path != path, route)
