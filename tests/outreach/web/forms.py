"""The forms that pages of the desk have: where each goes, and what is filled in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TOKEN = "form_token"


@dataclass
class Form:
    """One form: where it goes, and its fields with what stands in them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Reads the forms that a page sends with POST."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", "")) if given.get("method") == "post" else None
            if self._open is not None:
                self.found.append(self._open)
        elif self._open is not None and given.get("name", TOKEN) != TOKEN:
            # Of several buttons or boxes with one name, the first.
            self._open.fields.setdefault(given["name"], given.get("value", ""))
        if self._open is not None and "formaction" in given:
            self.found.append(Form(given["formaction"], self._open.fields))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_in(page: str) -> list[Form]:
    """The forms that a page sends with POST."""
    reader = Forms()
    reader.feed(page)
    reader.close()
    return reader.found
