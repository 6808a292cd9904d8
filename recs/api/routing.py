"""Routes that read a request once: FastAPI describes them, and pydantic checks what was asked.

FastAPI's own way from a request to arguments looks at every field of a query again each time, which costs
more than a published answer. Its description of a route, and the shape of its errors, stay.
"""

from collections.abc import Callable, Coroutine
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from recs.api.bodies import parse, require_json

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Flaws = list[Any]
_NO_BODY = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class QuickRoute(APIRoute):
    """A route whose function takes ids of the path, and perhaps `request`, a `query` and a JSON `body`.

    Query and body are models that refuse fields they do not know. The function returns a response.
    """

    def get_route_handler(self) -> Handler:
        """What answers a request."""
        function = self.endpoint
        hints = get_type_hints(function, include_extras=True)
        ids = {name: TypeAdapter[Any](hints[name]) for name in self.param_convertors}
        query = _Query(_model(hints["query"])) if "query" in hints else None
        body = TypeAdapter[Any](_model(hints["body"])) if "body" in hints else None

        async def handle(request: Request) -> Response:
            values: dict[str, Any] = {}
            flaws: Flaws = []
            for name, adapter in ids.items():
                values[name] = _checked(adapter, request.path_params[name], ("path", name), flaws)
            if query is not None:
                values["query"] = query.read(request, flaws)
            if body is not None:
                require_json(request.headers.get("content-type", ""))
                values["body"] = _body_of(body, await request.body(), flaws)
            if flaws:
                raise RequestValidationError(flaws)
            if "request" in hints:
                values["request"] = request
            found: Response = await function(**values)
            return found

        return handle


class _Query:
    """Reads a query string as a model.

    Args:
        model: its fields are lists, where a name may be given more than once, or single values.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._adapter = TypeAdapter[Any](model)
        self._lists = {name for name, field in model.model_fields.items() if _is_list(field.annotation)}

    def read(self, request: Request, flaws: Flaws) -> Any:
        """The model, or `None` with what is wrong in `flaws`; of several single values the last counts."""
        said: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if name in self._lists:
                said.setdefault(name, []).append(value)
            else:
                said[name] = value
        return _checked(self._adapter, said, ("query",), flaws)


def _body_of(adapter: TypeAdapter[Any], sent: bytes, flaws: Flaws) -> Any:
    if not sent:
        flaws.append(_NO_BODY)
        return None
    return _checked(adapter, parse(sent), ("body",), flaws)


def _checked(adapter: TypeAdapter[Any], value: Any, where: tuple[str, ...], flaws: Flaws) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        for flaw in error.errors(include_url=False):
            flaws.append({**flaw, "loc": (*where, *flaw["loc"])})
        return None


def _model(hint: Any) -> type[BaseModel]:
    """The model of a parameter like `Annotated[Model, Query()]`."""
    model: type[BaseModel] = get_args(hint)[0]
    return model


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list
