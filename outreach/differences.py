"""What differs between two nights that were decided from the same inputs with other settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from outreach.computing import Night
from outreach.ids import content_ids

NEWLY, NO_LONGER, OTHERWISE = "newly", "no_longer", "otherwise"
_FACTS = ("outcome", "reason", "channel", "opportunities", "value_minor", "currency", "send_after")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Difference:
    """What differs, in plain values.

    Attributes:
        customers: how many would hear from us before and after; of how many that changes (`newly`,
            `no_longer`), who hears something or nothing as before but `otherwise` (another message, channel,
            moment or reason), and for how many all is the `same`.
        proposals: by `channel, kind, currency`: `notices_before, notices_after` (one that tells of two kinds
            counts in both) and what they come to, `minor_before, minor_after`. Channel `none`: money that is
            owed without a message.
        money: by `owed, currency`: `minor_before, minor_after` of all notices.
        reasons: by `outcome, reason`: `customers_before, customers_after`.
        sample: some customers of whom something differs, drawn always alike: `customer_id, difference`, and
            outcome, reason, channel, opportunities, value, currency and moment before and after.
    """

    customers: dict[str, int]
    proposals: Rows
    money: Rows
    reasons: Rows
    sample: Rows

    def __bool__(self) -> bool:
        """Whether anything differs."""
        if self.customers["same"] < self.customers["all"]:
            return True
        rows = (*self.proposals, *self.money)
        return any(row[f"{name}_before"] != row[f"{name}_after"] for row in rows for name in _counted(row))


def _counted(row: dict[str, Any]) -> list[str]:
    return [name.removesuffix("_before") for name in row if name.endswith("_before")]


def differences(
    opportunities: Sequence[pl.LazyFrame], nights: tuple[Night, Night], sample: int
) -> Difference:
    """Compares two nights.

    Args:
        opportunities: what was found before and after.
        nights: what was decided from it.
        sample: how many customers to name.
    """
    told = [_told(found, night) for found, night in zip(opportunities, nights, strict=True)]
    customers = _customers(*nights)
    return Difference(
        customers=_counts(customers),
        proposals=_beside([_proposals(one) for one in told], ["channel", "kind", "currency"]),
        money=_beside([_money(one) for one in told], ["owed", "currency"]),
        reasons=_beside([_reasons(night) for night in nights], ["outcome", "reason"]),
        sample=_sample(customers, sample),
    )


def _told(found: pl.LazyFrame, night: Night) -> pl.DataFrame:
    """One row per notice and opportunity it is about."""
    ways = night.proposals.lazy().select("notice_id", "channel")
    facts = found.select("opportunity_id", "kind", "owed", "amount_minor", "currency")
    return night.members.lazy().join(facts, on="opportunity_id").join(ways, on="notice_id").collect()


def _proposals(told: pl.DataFrame) -> pl.DataFrame:
    return told.group_by("channel", "kind", "currency").agg(
        notices=pl.col("notice_id").n_unique().cast(pl.Int64), minor=pl.col("amount_minor").sum()
    )


def _money(told: pl.DataFrame) -> pl.DataFrame:
    known = told.drop_nulls("currency")
    return known.group_by("owed", "currency").agg(minor=pl.col("amount_minor").sum())


def _reasons(night: Night) -> pl.DataFrame:
    return night.decisions.group_by("outcome", "reason").agg(customers=pl.len().cast(pl.Int64))


def _beside(sides: Sequence[pl.DataFrame], keys: list[str]) -> Rows:
    """The rows of both sides beside each other; what one side lacks is 0 there."""
    before, after = (
        side.rename({name: f"{name}_{when}" for name in side.columns if name not in keys})
        for side, when in zip(sides, ("before", "after"), strict=True)
    )
    both = before.join(after, on=keys, how="full", coalesce=True, nulls_equal=True)
    counted = [name for name in both.columns if name not in keys]
    return both.with_columns(pl.col(counted).fill_null(0)).sort(keys, nulls_last=True).to_dicts()


def _customers(before: Night, after: Night) -> pl.DataFrame:
    """One row per customer: the facts on both sides, and what the difference is, null where there is none."""
    left, right = (night.decisions.select("customer_id", *_FACTS) for night in (before, after))
    both = left.join(right, on="customer_id", how="full", coalesce=True, suffix="_after")
    was, is_ = ((pl.col(name) == "proposed").fill_null(value=False) for name in ("outcome", "outcome_after"))
    other = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in _FACTS)
    return both.with_columns(
        was=was,
        is_=is_,
        difference=pl.when(is_ & ~was)
        .then(pl.lit(NEWLY))
        .when(was & ~is_)
        .then(pl.lit(NO_LONGER))
        .when(other)
        .then(pl.lit(OTHERWISE)),
    )


def _counts(customers: pl.DataFrame) -> dict[str, int]:
    changed = dict(customers.drop_nulls("difference").group_by("difference").len().iter_rows())
    return {
        "all": customers.height,
        "before": customers["was"].sum(),
        "after": customers["is_"].sum(),
        **{name: changed.get(name, 0) for name in (NEWLY, NO_LONGER, OTHERWISE)},
        "same": customers["difference"].null_count(),
    }


def _sample(customers: pl.DataFrame, size: int) -> Rows:
    """Drawn by a digest of the id, those first whom the change makes us write to, or not."""
    differing = customers.drop_nulls("difference").with_columns(
        _drawn=content_ids("rehearsal", "customer_id")
    )
    drawn = differing.sort(pl.col("difference") == OTHERWISE, "_drawn").head(size)
    return [
        {
            "customer_id": row["customer_id"],
            "difference": row["difference"],
            "before": {name: _plain(row[name]) for name in _FACTS},
            "after": {name: _plain(row[f"{name}_after"]) for name in _FACTS},
        }
        for row in drawn.to_dicts()
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
