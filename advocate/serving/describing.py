"""The OpenAPI document: what FastAPI knows of the routes, and what the layers around them add."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from advocate.serving.keys import OPEN, scope_of
from advocate.serving.problems import MEANINGS, MEDIA_TYPE, Problem

DESCRIPTION = """\
Ids are any text of up to 128 characters; in a path `/` is written `%2F`. What this page does not know is
refused: a parameter or field with a typing error is not ignored. Every error is a problem (RFC 9457)
whose `detail` says what to do. Every answer has an `X-Request-ID`, yours if you sent one."""

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REQUEST_ID = {"description": "Under this the log has it.", "schema": {"type": "string"}, "required": True}
_WAIT = {"description": "Seconds to wait.", "schema": {"type": "string"}, "required": True}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, as `advocate keys add` made it."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}


def describe(app: FastAPI, *, keys: bool) -> None:
    """Gives the application its document, which is made when it is first asked for.

    Args:
        app: with all its routes.
        keys: whether an API key is needed.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, keys=keys)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, *, keys: bool) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=DESCRIPTION, routes=app.routes
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs") | {"Problem": made}
    if keys:
        found["components"]["securitySchemes"] = _SCHEMES
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation, schemas, keys=keys and path not in OPEN)
    return found


def _complete(
    path: str, method: str, operation: dict[str, Any], schemas: Mapping[str, Any], *, keys: bool
) -> None:
    responses = operation["responses"]
    for status in _problems(path, method, keys=keys) | {
        int(known) for known in responses if int(known) >= 400
    }:
        said = responses.get(str(status), {}).get("description", MEANINGS[status])
        said = MEANINGS[status] if said == "Validation Error" else said
        responses[str(status)] = {"description": said, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        if status in (429, 503) and path != "/readyz":
            responses[str(status)]["headers"] = {"Retry-After": _WAIT}
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID
        _add_example(response, schemas)
    if "requestBody" in operation:
        _add_example(operation["requestBody"], schemas)
    operation["responses"] = dict(sorted(responses.items()))
    if keys:
        operation["security"] = [{name: []} for name in _SCHEMES]
        operation["description"] += f"\n\nNeeds a key with the scope `{scope_of(path).value}`."


def _problems(path: str, method: str, *, keys: bool) -> set[int]:
    """The statuses that an operation may end with."""
    found = {400, 414, 431, 500, 503} | ({401, 403, 429} if keys else set())
    if path.startswith("/v1/"):
        found |= {422}
    return found | {413, 415} if method == "post" else found | {413}


def _add_example(said: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for kind, content in said.get("content", {}).items():
        if kind == "application/json" and content.get("schema"):
            content.setdefault("example", example_of(content["schema"], schemas))


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that the schema describes, made of the examples of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    if "properties" in schema:
        needed = schema.get("required", ())
        return {
            name: example_of(part, schemas)
            for name, part in schema["properties"].items()
            if name in needed or ("examples" in part and name in _SHOWN)
        }
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return _PLAIN.get(schema.get("type", "string"), "…")


_SHOWN = ("products", "views", "at", "key")
_PLAIN = {"object": {"status": "alive"}, "integer": 1, "number": 1.0, "string": "…"}
