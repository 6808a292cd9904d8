"""HTML that every mail program shows and everybody can read, and that fetches nothing."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from outreach.linting.findings import Finding

TAGS = {
    *("html", "head", "meta", "title", "body", "div", "span", "p", "br", "h1", "h2", "h3"),
    *("ul", "ol", "li", "strong", "em", "small", "a"),
}
ATTRIBUTES = {"lang", "dir", "charset", "name", "content", "style", "href", "role"}
_VOID = {"meta", "br"}
_LINK = re.compile(r"\{\{ *(?:opt_out_url|choices_url) *\}\}|https://[^\s{}]+")
_FETCHES = re.compile(r"url\(|@import|expression\(|image", flags=re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\d.,'’\u00a0\u202f]*\d)?")


def wrong_html(source: str, file: str) -> Iterator[Finding]:
    """Tags left open or closed twice, and whatever could load something or follow a reader."""
    page = _Page()
    page.feed(re.sub(r"\{%.*?%\}", _same_length, source))
    page.close()
    page.finish()
    yield from (Finding(file, line, rule, advice) for line, rule, advice in page.wrong)


def text_of(html: str) -> str:
    """What a page says."""
    page = _Page()
    page.feed(html)
    page.close()
    return "".join(page.text)


def numbers(text: str) -> set[str]:
    """The numbers in a text as they are written."""
    return set(_NUMBER.findall(text))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, int]] = []
        self.wrong: list[tuple[int, str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        if tag not in TAGS:
            self._blame(
                line, "remote", f"<{tag}> is not allowed: a message is text, and loads nothing; take it out"
            )
        for name, value in attrs:
            if name not in ATTRIBUTES or _FETCHES.search(value or ""):
                self._blame(line, "remote", f"{name}= on <{tag}> could load or follow something; take it out")
            elif name == "href" and not _LINK.fullmatch(value or ""):
                self._blame(
                    line,
                    "remote",
                    "a link leads to {{ opt_out_url }}, {{ choices_url }} or a fixed https:// address, "
                    f"not {value!r}",
                )
        if tag not in _VOID:
            self.open.append((tag, line))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open[-1][0] != tag:
            self._blame(self.getpos()[0], "html", f"</{tag}> closes nothing that is open last; mend the tags")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self._blame(
            self.getpos()[0], "html", f"a comment goes out to customers: {data.strip()[:40]!r}; take it out"
        )

    def finish(self) -> None:
        for tag, line in self.open:
            self._blame(line, "html", f"<{tag}> is never closed; close it")

    def _blame(self, line: int, rule: str, advice: str) -> None:
        self.wrong.append((line, rule, advice))


def _same_length(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())
