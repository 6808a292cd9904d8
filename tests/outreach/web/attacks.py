"""What attackers write into fields, and how a page shows that it was taken for more than text.

What a payload makes, if it makes anything, is called `pwned`: an element, an attribute, a call. So a page
can be searched for it without knowing what else is on it.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from features.contract import CONTRACTS
from tests.outreach.worlds import Rows, frame

STORED = [
    "<script>pwned()</script>",
    "\"'><img src=x onerror=pwned() pwned>",
    "javascript:pwned()//",
    "' onmouseover='pwned()' pwned='",
    '" autofocus onfocus="pwned()" pwned="',
    "</title></textarea></style></svg></desc><svg pwned onload=pwned()>",
    "--><pwned-x></pwned-x><!--",
    "]]><a pwned href=javascript:pwned()>x</a>",
    "&lt;img pwned src=x onerror=pwned()&gt;",
    "<iframe pwned srcdoc='&lt;script&gt;pwned()&lt;/script&gt;'></iframe>",
    "<style pwned>*{background:url(//pwned.example)}</style>",
    "{{1337*1337}}{%print(1337*1337)%}${1337*1337}#{1337*1337}<%=1337*1337%>",
    "{item} {0.__class__} %(item)s %s {{ ''.__class__.__mro__ }}",
]
"""One customer each has this in every text of theirs."""
COMPUTED = "1787569"
"""What 1337 times 1337 is: nobody should know."""
TEMPLATES = [
    "{{ item }} {% if item %}x{% endif %}",
    "{{ ''.__class__.__mro__ }}",
    "{item} {.__class__} %(item)s %s ${item}",
    "{{ self._TemplateReference__context }}",
    "{# gone #} {% raw %} {%- include 'base.html' -%}",
]
"""Names and sentences without numbers, which a message may have; a template would make something of them."""
EVIL = "Call 555-EVIL now"
REFLECTED = f"javascript:pwned()//\"'></title><svg pwned onload=pwned()>{{{{1337*1337}}}} {EVIL}"
"""What an address asks a page to say."""
ODD = [
    "x\x00y",
    "9" * 40,
    "NaN",
    "1e999990",
    "9e999999",
    "\ud7ff\uffff\U0010ffff",
    "9" * 5000,
    "[" * 9000,
    "²",
    "٣",
]
"""Values that a number, a day or a database may stumble over."""
PATHS = ["../../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "x\x00y", "x\r\nset-cookie: pwned=1"]
PATHS += ["x" * 9000, "9" * 40, "-1", "%", "%2e%2e%2f", "ﬀ\u202e", " ", "'; DROP TABLE audit; --", ".", ".."]
"""Ids that are none."""
_ADDRESSES = ("href", "src", "action", "formaction", "xlink:href", "data", "poster", "hx-get", "hx-post")
_RUNS = ("javascript:", "vbscript:", "data:")
_VOID = ("script", "style", "object", "embed", "base", "applet", "foreignobject")


@dataclass
class Page(HTMLParser):
    """What is wrong with a page that shows payloads.

    Attributes:
        styled: whether it may have styles of its own, as messages in their frames do.
        wrong: what was found.
    """

    styled: bool = False
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._script = False

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # to a browser, `<script/>` is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "pwned" in tag or any("pwned" in name for name in given):
            self.wrong.append(f"a payload became <{tag} {given}>")
        self._script = tag == "script"
        is_ours = tag == "script" and (given.get("src") or "").startswith("/desk/static/")
        if tag in _VOID and not is_ours and not (self.styled and tag == "style"):
            self.wrong.append(f"<{tag} {given}>")
        if tag == "iframe" and ("sandbox" not in given or given["sandbox"]):
            self.wrong.append(f"a frame without its sandbox: {given}")
        for name, value in attrs:
            self._attribute(f"<{tag} {name}={value!r}>", name, value or "")

    def _attribute(self, said: str, name: str, value: str) -> None:
        if name.startswith("on") or name in ("srcdoc", "http-equiv"):
            self.wrong.append(said)
        if name == "style" and not self.styled:
            self.wrong.append(said)
        address = "".join(value.split()).lower()
        if name in _ADDRESSES and address.startswith(_RUNS) and address != "data:,":
            self.wrong.append(said)

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.wrong.append(f"a script in the page: {data!r}")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  the parser's own name
        self._script = False


def flaws_of(html: str, *, styled: bool = False) -> list[str]:
    """What is wrong with a page."""
    page = Page(styled)
    page.feed(html)
    page.close()
    if COMPUTED in html:
        page.wrong.append("a template in a text was computed")
    return page.wrong


# A shop in which every text is a payload ----------------------------------------------------

_NO_ADDRESS = re.compile(r"[\s@,;<>\"]")
FITTING = {
    "email": lambda payload, n: f"person-{n}{_NO_ADDRESS.sub('', payload)}@pwned.example",
    "phone": lambda _, n: f"+1 555 01{n:02}",
    "locale": lambda _, n: "en_US" if n % 2 else "de_DE",
}
"""Columns whose form the contract fixes: what comes closest to a payload."""
PERSONAL = ("customer_id", "order_id", "line_id", "entitlement_id", "incident_id")
_SEVERAL = ("order_id", "line_id")
"""Of those, what a customer may have more than one of: the row says which."""
_EVERY: dict[str, Rows] = {
    "purchases": [
        {"purchased_at": "2017-11-20", "promised_at": "2017-11-22", "delivered_at": "2017-11-28"},
        {"purchased_at": "2017-11-21", "line_id": "2", "promised_at": None, "delivered_at": None},
        {"purchased_at": "2017-11-25 10:00", "order_id": "b", "promised_at": None, "delivered_at": None},
        {"purchased_at": "2017-11-25 10:01", "order_id": "c", "promised_at": None, "delivered_at": None},
    ],
    "returns": [{"line_id": "2", "returned_at": "2017-11-29", "quantity": "1"}],
    "customers": [{"timezone": "UTC", "preferred_channel": "email"}],
    "products": [{"available": True, "sensitive": False}],
    "availability": [{"available": True}],
    "prices": [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-25"}],
    "views": [{}],
    "usage": [{}],
    "offers": [{"kind": "credit", "value_minor": 500, "currency": "USD"}],
    "offer_products": [{}],
    "entitlements": [{"value_minor": 500, "currency": "USD", "expires_at": "2017-12-20"}],
    "entitlement_uses": [{"value": "1"}],
    "incidents": [{"amount_minor": 100, "currency": "USD"}],
    "consents": [{"purpose": purpose} for purpose in ("service", "marketing", "personalisation")],
    "contacts": [{"channel": "sms", "sent_at": "2017-06-01"}],
    "responses": [{"kind": "answered"}],
}
"""The rows of each customer but for their texts, which `poisoned` fills in; a new table needs some here."""


def poisoned() -> dict[str, Rows]:
    """A row of every table for every payload, which stands in all of its texts; the contract takes them."""
    missing = CONTRACTS.keys() - _EVERY.keys()
    assert not missing, f"write rows of these new tables into _EVERY in {Path(__file__).name}: {missing}"
    tables = {
        name: [row | _texts(name, row, payload, n) for n, payload in enumerate(STORED) for row in rows]
        for name, rows in _EVERY.items()
    }
    for name, rows in tables.items():
        kept = CONTRACTS[name].schema.validate(frame(name, rows))
        assert kept.height == len(rows), f"the contract does not take the poisoned rows of {name}"
    return tables


def _texts(table: str, row: dict[str, Any], payload: str, n: int) -> dict[str, str]:
    """The texts of a row; the same in a column of that name in any table, so that references hold."""
    made = {}
    for name, column in CONTRACTS[table].schema.columns().items():
        if (name in row and name not in _SEVERAL) or not _is_free(column):
            continue
        if getattr(column, "regex", None):
            assert name in FITTING, f"say in FITTING what comes closest to a payload in {table}.{name}"
            made[name] = FITTING[name](payload, n)
        else:
            second = row.get(name, "") if name in _SEVERAL else ""
            made[name] = f"{payload}person-{n}{second}" if name in PERSONAL else f"{payload} {n}"
    return made


def _is_free(column: dy.Column) -> bool:
    told = column.metadata or {}
    return column.dtype == pl.String and told.get("kind") == "text" and "values" not in told
