"""Which slots and constructs a template may use, by what kind of file it is."""

from collections.abc import Iterator, Mapping

from jinja2 import Environment, TemplateSyntaxError, nodes

from outreach.linting.findings import Finding
from outreach.linting.specimens import Specimen
from outreach.slots import BACK, IN_HAND, SAVING
from outreach.texts import RULES
from outreach.wording import FRAMES, LAYOUT

Names = Mapping[str, frozenset[str]]
"""A name that may be used, with what may follow after a dot."""

_PLAIN = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Name, nodes.Getattr)
_LOGIC = (nodes.Compare, nodes.Operand, nodes.Const, nodes.And, nodes.Or, nodes.Not, nodes.Filter)
ALLOWED = (*_PLAIN, *_LOGIC)
FILTERS = ("strong",)
_NOTHING: frozenset[str] = frozenset()
_SUMS: Names = dict.fromkeys((BACK, IN_HAND, SAVING, "shop"), _NOTHING)
_ABOUT_US: Names = dict.fromkeys(
    ("contact", "opt_out", "opt_out_url", "postal_address", "note", "choices_url"), _NOTHING
)
_LOOPS: Names = {
    "items": _NOTHING,
    "item": frozenset({"said", "reference"}),
    "reasons": _NOTHING,
    "reason": _NOTHING,
}
_PAGE: Names = dict.fromkeys(("language", "direction", "subject", "body"), _NOTHING)


def names_of(folder: str, ending: str, specimens: Mapping[str, list[Specimen]]) -> Names:
    """What a template of a topic, purpose or the layout may name."""
    if folder == LAYOUT:
        return _PAGE
    if ending == "subject":
        return _SUMS
    if folder in FRAMES:
        return {**_SUMS, **_ABOUT_US, **_LOOPS}
    rules = {"shop": _NOTHING, "rules": frozenset(RULES)}
    if ending == "why":
        return rules
    return rules | {"item": frozenset(name for one in specimens[folder] for name in one.slots)}


def wrong_code(source: str, names: Names, file: str, *, loops: bool) -> Iterator[Finding]:
    """Syntax that is not known, constructs that are not allowed, slots that do not exist."""
    try:
        tree = Environment(trim_blocks=True, lstrip_blocks=True).parse(source)  # noqa: S701  nothing is rendered
    except TemplateSyntaxError as error:
        yield Finding(file, error.lineno, "syntax", f"{error.message}; mend the braces of this line")
        return
    allowed = (*ALLOWED, nodes.For) if loops else ALLOWED
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, allowed) or (isinstance(node, nodes.Filter) and node.name not in FILTERS):
            what = node.name if isinstance(node, nodes.Filter) else type(node).__name__.lower()
            yield Finding(
                file, node.lineno, "construct", f"{what} cannot be used here; use slots, if and | strong only"
            )
        elif (unknown := _unknown(node, names)) is not None:
            there = ", ".join(sorted(_spelled(names)))
            yield Finding(file, node.lineno, "slot", f"there is no slot {unknown}; there are {there}")


def _unknown(node: nodes.Node, names: Names) -> str | None:
    if isinstance(node, nodes.Name):
        return None if node.name in names else str(node.name)
    if isinstance(node, nodes.Getattr):
        root = node.node.name if isinstance(node.node, nodes.Name) else "…"
        return None if node.attr in names.get(root, _NOTHING) else f"{root}.{node.attr}"
    return None


def _spelled(names: Names) -> Iterator[str]:
    for name, attributes in names.items():
        yield from (f"{name}.{attribute}" for attribute in attributes) if attributes else (name,)
