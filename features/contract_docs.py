"""Writes `docs/reference/data-contract.md` from the schemas.

python -m features.contract_docs > docs/reference/data-contract.md
"""

import sys

import dataframely as dy

from features.contract import CONTRACTS

HEAD = """# The data contract

What a feed may bring, table by table: one CSV or Parquet file (or folder of files) each, named like the
table. Only `purchases` is required. This page is generated from the schemas in `features/contract.py`;
`python -m features.contract_docs > docs/reference/data-contract.md` renews it.

- **needed**: *yes* means that the column must be there and every row must have a value. *no* means that
  column and value may be absent; absent means unknown, and nothing that depends on it is concluded. A word
  in `code` is what stands in for a value that is absent.
- **key**: the columns that identify a row. In one import, exact copies count once, and one key with
  different content is refused in all copies. In a later import the key is a new version; the newest wins.
- Rows that break the contract go to `<home>/quarantine` with their reasons; they never stop an import.
- **id**: text, kept to the letter (`00123`), 1 to 128 characters, no control characters.
- **moment**: ISO 8601, like `2017-11-30T12:00:00Z` or `2017-11-30 12:00`; without a zone it is read in
  the setting `feed.timezone`, and local times that do not exist there are refused. An *observed* moment
  later than the clock plus one day is refused.
- **decimal**: up to six places, with a point, no exponent; a float is read as its shortest decimal text.
- **amount**: a decimal that is a whole number of minor units of the row's `currency` (ISO 4217), tax
  included, after discounts. The lake keeps it as `…_minor`.
- **flag**: true/false, t/f, yes/no, y/n or 1/0.
"""

_KINDS = {
    "decimal": "decimal",
    "whole": "whole number",
    "flag": "flag",
    "currency": "currency code",
    "zone": "time zone, like `Europe/Berlin`",
    "moment": "moment",
    "amount": "amount",
}


def data_contract() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *(_table(name, contract.schema) for name, contract in CONTRACTS.items())])


def _table(name: str, schema: type[dy.Schema]) -> str:
    said = (schema.__doc__ or "").strip()
    key = ", ".join(f"`{column}`" for column in schema.primary_key()) or "the whole row"
    head = [f"## {name}", "", said, "", f"Key: {key}.", "", "| column | holds | needed |", "|---|---|---|"]
    rows = [row for column, definition in schema.columns().items() for row in _rows(column, definition)]
    rules = [
        f"Also: {rule.replace('_', ' ')}."
        for rule in schema._schema_validation_rules()
        if rule != "primary_key"
    ]
    return "\n".join([*head, *rows, *([""] if rules else []), *rules, ""])


def _rows(column: str, definition: dy.Column) -> list[str]:
    """One row per column of the feed; an amount that may be given per unit has two."""
    meta = definition.metadata or {}
    holds, needed = _holds(definition), _needed(definition)
    per_unit = meta.get("per_unit")
    if not per_unit:
        return [f"| `{meta.get('raw', column)}` | {holds} | {needed} |"]
    return [
        f"| `{meta['raw']}` | {holds}; the truth where it is given | {needed}, or `{per_unit}` |",
        f"| `{per_unit}` | decimal; times `quantity` it is an amount | {needed}, or `{meta['raw']}` |",
    ]


def _needed(definition: dy.Column) -> str:
    default = (definition.metadata or {}).get("default")
    if default is not None:
        return f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return "no" if definition.nullable else "yes"


def _holds(definition: dy.Column) -> str:
    meta = definition.metadata or {}
    kind = meta["kind"]
    if values := meta.get("values"):
        return ", ".join(f"`{value}`" for value in values)
    if kind == "text":
        return _text(definition)
    bounds = [
        f"{sign} {getattr(definition, name)}"
        for name, sign in (("min", "≥"), ("min_exclusive", ">"), ("max", "≤"))
        if getattr(definition, name, None) is not None
    ]
    observed = ["observed"] if meta.get("observed") else []
    return ", ".join([_KINDS[kind], *bounds, *observed])


def _text(definition: dy.Column) -> str:
    if getattr(definition, "min_length", None):
        return "id"
    pattern = getattr(definition, "regex", None)
    return f"text like `{pattern}`".replace("|", "\\|") if pattern else "text on one line"


if __name__ == "__main__":
    sys.stdout.write(data_contract())
