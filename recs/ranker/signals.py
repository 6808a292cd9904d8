"""What is known of a customer and a product together, as numbers that a ranker learns from.

Everything is as of the history's end. A signal of a pair depends on that customer, that product and the
history alone, never on what else is asked about, so a pair has the same numbers at night and in the shop.
NaN stands for what does not exist: a gap between purchases where there was one purchase.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs.history import History
from recs.pairs import Columns, Owner
from recs.protocol import Ids, Scores
from recs.ranker.cells import Cells
from recs.ranker.shopping import customer_signals, habit_signals, product_signals, weights

GROUPS = ("title", "category", "department", "brand")
"""What products have in common; only where at least two products share it on average."""

POPULAR = 20
"""How many products of a group are proposed to who buys of it."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """One way in which products belong together, and what customers bought of each group.

    Attributes:
        codes: (I,) the group of each product, -1 for none.
        share: (I,) the product's share in its group's popularity, lately and in the last months.
        cells: per customer and group the numbers of `_GROUP_SIGNALS`.
    """

    codes: Columns
    share: Scores
    cells: Cells

    @cached_property
    def popular(self) -> Ids:
        """The `POPULAR` products of each group with the largest share lately, (K, n) columns, -1 for none."""
        kinds = int(self.codes.max(initial=-1)) + 1
        known = np.flatnonzero((self.codes >= 0) & (np.nan_to_num(self.share[:, 0]) > 0))
        order = known[np.lexsort((known, -self.share[known, 0], self.codes[known]))]
        code = self.codes[order]
        place = np.arange(len(order)) - np.searchsorted(code, code)
        best, first = np.full((kinds, POPULAR), -1, np.int32), place < POPULAR
        best[code[first], place[first]] = order[first]
        return best

    def affinity(self, rows: Rows, owner: Owner, columns: Columns) -> dict[str, Scores]:
        """How much each customer buys of the group of each product, and the product within it."""
        known = self.codes[columns] >= 0
        found = self.cells.look_up(rows, owner, np.where(known, self.codes[columns], 0))
        found[~known] = np.nan
        named = dict(zip(_GROUP_SIGNALS, found.T, strict=True))
        lately, lasting = self.share[columns].T
        return named | {"of_group": lasting, "affinity": np.nan_to_num(named["w180"] * lately)}


_GROUP_SIGNALS = ("w25", "w180", "recency", "gap", "due", "distinct")


@dataclass(frozen=True)
class Signals:
    """All tables that signals are looked up in; see `recs.ranker.shopping` for the single ones.

    Attributes:
        habits: per customer and product bought.
        customers: (U, C) and their names.
        products: (I, P) and their names.
        groups: by name of `GROUPS`.
        names: what each column of `of_pairs` is called.
    """

    habits: Cells
    habit_names: tuple[str, ...]
    customers: Scores
    customer_names: tuple[str, ...]
    products: Scores
    product_names: tuple[str, ...]
    groups: Mapping[str, Group]

    @classmethod
    def of(cls, history: History) -> "Signals":
        """The signals of a history."""
        pairs, users = history.pairs, history.nobody + 1
        row, column = pairs["row"].to_numpy(), pairs["column"].to_numpy()
        people = customer_signals(history)
        habits = habit_signals(history, people)
        products = product_signals(history, habits)
        return cls(
            Cells.of(row, column, habits, users),
            tuple(habits),
            np.stack(list(people.values()), axis=1),
            tuple(people),
            np.stack(list(products.values()), axis=1),
            tuple(products),
            dict(_groups(history, products)),
        )

    @property
    def buyers(self) -> Scores:
        """How many customers bought each product, (I,)."""
        return self.products[:, self.product_names.index("buyers")]

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of `of_pairs` is called."""
        grouped = (*_GROUP_SIGNALS, "of_group", "affinity", "own_share")
        return (
            *self.habit_names,
            "paid_to_now",
            *(f"customer_{name}" for name in self.customer_names),
            *(f"product_{name}" for name in self.product_names),
            *(f"{group}_{name}" for group in self.groups for name in grouped),
        )

    def of_pairs(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The signals of pairs, (P, S) float32 in the order of `names`.

        Args:
            rows: row numbers, (U',).
            owner: positions in `rows`, (P,).
            columns: products, (P,).
        """
        habits = self.habits.look_up(rows, owner, columns)
        paid = habits[:, self.habit_names.index("paid")]
        price = self.products[columns, self.product_names.index("price")]
        w180 = habits[:, self.habit_names.index("w180")]
        found = [*habits.T, _ratio(paid, price)]
        found += [*self.customers[rows[owner]].T, *self.products[columns].T]
        for group in self.groups.values():
            named = group.affinity(rows, owner, columns)
            found += [*named.values(), _ratio(w180, named["w180"])]
        return np.stack(found, axis=1).astype(np.float32, copy=False)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for `restored`."""
        found: dict[str, NDArray[Any]] = {"customers": self.customers, "products": self.products}
        found |= _cell_arrays("habits", self.habits)
        for name in ("habit_names", "customer_names", "product_names"):
            found[name] = np.array(getattr(self, name))
        found["group_names"] = np.array(list(self.groups), dtype="U16")
        for name, group in self.groups.items():
            found |= {f"{name}_codes": group.codes, f"{name}_share": group.share}
            found |= _cell_arrays(name, group.cells)
        return found

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> "Signals":
        """What `arrays` gave."""
        groups = {
            name: Group(arrays[f"{name}_codes"], arrays[f"{name}_share"], _cells(name, arrays))
            for name in arrays["group_names"].tolist()
        }
        return cls(
            _cells("habits", arrays),
            tuple(arrays["habit_names"].tolist()),
            arrays["customers"],
            tuple(arrays["customer_names"].tolist()),
            arrays["products"],
            tuple(arrays["product_names"].tolist()),
            groups,
        )


def _groups(history: History, products: Mapping[str, Scores]) -> Iterable[tuple[str, Group]]:
    for name in GROUPS:
        codes = history.codes(name)
        kinds = int(codes.max(initial=-1)) + 1
        if not 0 < kinds <= (codes >= 0).sum() / 2:
            continue
        yield name, Group(codes, _shares(codes, kinds, products), _group_cells(history, codes))


def _shares(codes: Columns, kinds: int, products: Mapping[str, Scores]) -> Scores:
    known, shares = codes >= 0, []
    for weight in (products["w25"], products["w60"]):
        total = np.bincount(codes[known], weight[known].astype(np.float64), minlength=kinds)
        mine = np.where(known, total[np.maximum(codes, 0)], 0)
        shares.append(np.where(mine > 0, weight / np.maximum(mine, 1e-9), np.nan))
    return np.stack(shares, axis=1).astype(np.float32)


def _group_cells(history: History, codes: Columns) -> Cells:
    """`_GROUP_SIGNALS` per customer and group."""
    group = pl.Series("column", codes).gather(history.lines["column"])
    lines = history.lines.with_columns(product=pl.col("column"), column=group).filter(pl.col("column") >= 0)
    found = (
        lines.lazy()
        .group_by("row", "column")
        .agg(
            *weights(history.end, (25, 180)),
            days=pl.col("day").n_unique(),
            first=pl.col("day").min(),
            last=pl.col("day").max(),
            distinct=pl.col("product").n_unique().cast(pl.Float32),
        )
        .sort("row", "column")
        .with_columns(
            recency=(history.end - pl.col("last")).cast(pl.Float32),
            gap=pl.when(pl.col("days") > 1)
            .then((pl.col("last") - pl.col("first")) / (pl.col("days") - 1))
            .cast(pl.Float32),
        )
        .with_columns(due=(pl.col("recency") / pl.col("gap")).cast(pl.Float32))
        .collect()
    )
    values = {name: found[name].cast(pl.Float32).fill_null(np.nan).to_numpy() for name in _GROUP_SIGNALS}
    row, column = found["row"].to_numpy(), found["column"].to_numpy().astype(np.int32)
    return Cells.of(row, column, values, history.nobody + 1)


def _ratio(part: Scores, whole: Scores) -> Scores:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan).astype(np.float32)


def _cell_arrays(name: str, cells: Cells) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_indptr": cells.indptr,
        f"{name}_indices": cells.indices,
        f"{name}_values": cells.values,
    }


def _cells(name: str, arrays: Mapping[str, NDArray[Any]]) -> Cells:
    return Cells(arrays[f"{name}_indptr"], arrays[f"{name}_indices"], arrays[f"{name}_values"])
