"""Rows for people: every position once, made as they are read."""

import polars as pl
import pytest

from recs import export
from recs.export import SCHEMA, recommendations
from tests.recs.worlds import DAY
from warehouse.errors import NotFoundError
from warehouse.settings import Settings


def test_rows_are_by_customer_slate_and_rank_from_one(served: Settings) -> None:
    rows = recommendations(served, DAY).collect()
    assert rows.schema == pl.Schema(SCHEMA)
    ranks = rows.group_by("customer_id", "slate", maintain_order=True).agg("rank")
    assert all(r == list(range(1, len(r) + 1)) for r in ranks["rank"].to_list())
    assert ranks.head(3)["slate"].to_list() == ["for_you", "buy_again", "discover"]
    assert rows.null_count().sum_horizontal().item() == 0


def test_chunks_and_whole_are_the_same(served: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recommendations(served, DAY).collect()
    monkeypatch.setattr(export, "CHUNK", 7)
    assert recommendations(served, DAY).collect(engine="streaming").equals(whole)


def test_columns_filters_and_heads_are_understood(served: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 7)
    rows = recommendations(served, DAY)
    whole = rows.collect()
    assert rows.head(17).collect().equals(whole.head(17))
    wanted = (pl.col("slate") == "discover") & (pl.col("rank") == 2)
    assert (
        rows.filter(wanted).select("product_id").collect().equals(whole.filter(wanted).select("product_id"))
    )
    assert rows.head(40).filter(wanted).collect().equals(whole.head(40).filter(wanted))
    assert rows.select(pl.len()).collect().item() == whole.height


def test_a_day_without_a_bundle_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="there is no bundle for 2017-11-30; run"):
        recommendations(settings, DAY)
