"""The pages about feeds say what the schemas and the feeds do."""

from pathlib import Path

import pytest

from features.contract import CONTRACTS
from features.contract_docs import data_contract

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_committed_page_is_what_the_schemas_say() -> None:
    assert (REFERENCE / "data-contract.md").read_text() == data_contract(), (
        "run: python -m features.contract_docs > docs/reference/data-contract.md"
    )


@pytest.mark.parametrize("table", CONTRACTS)
def test_every_table_and_every_column_of_a_feed_is_on_the_page(table: str) -> None:
    section = data_contract().split(f"## {table}\n")[1].split("\n## ")[0]
    for name, column in CONTRACTS[table].schema.columns().items():
        raw = (column.metadata or {}).get("raw", name)
        assert f"| `{raw}` |" in section
    assert "_minor" not in section


@pytest.mark.parametrize(
    "row",
    [
        "| `quantity` | decimal, > 0 | yes |",
        "| `line_total` | amount, ≥ 0; the truth where it is given | yes, or `unit_price` |",
        "| `kind` | `product`, `shipping`, `fee` | `product` |",
        "| `available` | flag | `true` |",
        "| `severity` | whole number, ≥ 1, ≤ 5 | yes |",
        "| `promised_at` | moment | no |",
        "| `delivered_at` | moment, observed | no |",
        "Also: returned no more than bought.",
        "Key: the whole row.",
    ],
)
def test_the_page_says_what_a_value_must_be(row: str) -> None:
    assert row in data_contract().splitlines()


@pytest.mark.parametrize("feed", ["folder", "complete-journey", "online-retail"])
def test_every_feed_has_its_section(feed: str) -> None:
    assert f"\n## {feed}\n" in (REFERENCE / "feeds.md").read_text()
