"""Ids of whole columns are those of their rows."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from outreach.ids import content_ids
from warehouse.ids import content_id

texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))


@given(st.lists(st.tuples(texts, texts), max_size=20), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_column_of_ids_is_the_id_of_each_row(rows: list[tuple[str | None, str | None]], what: str) -> None:
    frame = pl.DataFrame(rows, schema={"one": pl.String, "two": pl.String}, orient="row")
    found = frame.select(content_ids(what, "one", pl.col("two"))).to_series()
    assert found.to_list() == [content_id(what, *row) for row in rows]


def test_ids_are_the_same_on_every_machine() -> None:
    one = pl.DataFrame({"order_id": ["o1"], "line_id": ['"2"\\ é']})
    expected = content_id("price_drop", "o1", '"2"\\ é')
    assert one.select(content_ids("price_drop", "order_id", "line_id")).item() == expected
    assert expected == "ebf6dcd4-2453-5b24-9d00-d7d54eb78f63"


def test_null_is_not_the_text_null() -> None:
    rows = pl.DataFrame({"a": [None, "null", ""]})
    assert rows.select(content_ids("kind", "a")).to_series().n_unique() == 3
