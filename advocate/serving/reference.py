"""The API on a page for people, from the OpenAPI document: `/docs`, and `docs/reference/http.md`.

python -m advocate.serving.reference > docs/reference/http.md
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from advocate.serving.problems import MEANINGS


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body or an answer; `kind` is in words."""

    name: str
    place: str
    kind: str
    needed: bool
    said: str


@dataclass(frozen=True)
class Operation:
    """One call, as the pages show it; examples are JSON, empty where there is none."""

    name: str
    method: str
    path: str
    summary: str
    said: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    asked: str
    told: str
    statuses: tuple[str, ...]


def page(document: Mapping[str, Any], template: str, **more: Any) -> str:
    """The document as a page.

    Args:
        document: OpenAPI.
        template: `docs.html` or `http.md.jinja`.
        more: what else the template shows.
    """
    room = Environment(
        loader=PackageLoader("advocate.serving", "templates"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    room.filters["coded"] = _coded
    said = {"info": document["info"], "operations": list(operations(document)), "meanings": MEANINGS}
    return room.get_template(template).render(said, **more)


def _coded(text: str) -> Markup:
    """Text in which what stands between backticks is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S704 all of it is escaped


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every call of the document, in its order."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            good = next(r for status, r in operation["responses"].items() if status < "300")
            yield Operation(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                said=operation["description"],
                parameters=tuple(_parameter(one, schemas) for one in operation.get("parameters", ())),
                body=tuple(_fields(operation.get("requestBody", {}), schemas)),
                answer=tuple(_fields(good, schemas)),
                asked=_example(operation.get("requestBody", {})),
                told=_example(good),
                statuses=tuple(operation["responses"]),
            )


def _parameter(one: Mapping[str, Any], schemas: Mapping[str, Any]) -> Field:
    schema = one["schema"]
    said = one.get("description") or schema.get("description", "")
    return Field(one["name"], one["in"], _kind(schema, schemas), one.get("required", False), said)


def _fields(said: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Field]:
    schema = said.get("content", {}).get("application/json", {}).get("schema", {})
    yield from _parts(_resolved(schema, schemas), schemas, "")


def _parts(schema: Mapping[str, Any], schemas: Mapping[str, Any], before: str) -> Iterator[Field]:
    for name, part in schema.get("properties", {}).items():
        needed = name in schema.get("required", ())
        yield Field(before + name, "body", _kind(part, schemas), needed, part.get("description", ""))
        items = _resolved(part.get("items", {}), schemas)
        yield from _parts(items, schemas, f"{before}{name}[].")


def _kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a value is, in words."""
    schema = _resolved(schema, schemas)
    if values := schema.get("enum"):
        said = ", ".join(f"`{value}`" for value in values)
    elif schema.get("type") == "array":
        most = f", up to {schema['maxItems']:,}" if "maxItems" in schema else ""
        said = f"list{most}"
    elif schema.get("type") in ("integer", "number"):
        said = {"integer": "whole number", "number": "number"}[schema["type"]] + _range(schema)
    elif schema.get("format") == "date-time":
        said = "moment with its zone"
    else:
        said = {"object": "object"}.get(schema.get("type", ""), "text")
        said += f", up to {schema['maxLength']} characters" if "maxLength" in schema else ""
    default = schema.get("default")
    return said + (f"; default `{default}`" if default not in (None, [], "") else "")


def _range(schema: Mapping[str, Any]) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if highest is None and "exclusiveMaximum" in schema:
        highest = schema["exclusiveMaximum"] - 1
    return "" if lowest is None or highest is None else f", {lowest:,} to {highest:,}"


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    return schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _example(said: Mapping[str, Any]) -> str:
    example = said.get("content", {}).get("application/json", {}).get("example")
    return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)


def http_reference() -> str:
    """The page for `docs/reference/`, in Markdown."""
    from advocate.server import create_app
    from warehouse.settings import Settings

    return page(create_app(Settings()).openapi(), "http.md.jinja")


if __name__ == "__main__":
    sys.stdout.write(http_reference())
