"""Names of settings: a section and a field with a dot between, like `outreach.cap_days`.

A table of currencies is one setting; a section inside a section, like `recs.rules`, has settings of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def named(table: Mapping[str, Any], model: type[BaseModel], above: str = "") -> Iterator[tuple[str, Any]]:
    """The settings that a nested table gives, as names and values; what the model does not know too."""
    for key, value in table.items():
        section = section_of(model, key)
        if section is not None and isinstance(value, Mapping):
            yield from named(value, section, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def names_of(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every setting of a model, in its order."""
    for key in model.model_fields:
        section = section_of(model, key)
        if section is None:
            yield f"{above}{key}"
        else:
            yield from names_of(section, f"{above}{key}.")


def section_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The section that a field is, if it is one."""
    field = model.model_fields.get(key)
    kind = None if field is None else field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def plain_value(settings: BaseModel, name: str) -> Any:
    """The value of a setting as JSON has it."""
    section, _, field = name.rpartition(".")
    holder: BaseModel = settings
    for part in section.split(".") if section else ():
        holder = getattr(holder, part)
    return holder.model_dump(mode="json", include={field})[field]
