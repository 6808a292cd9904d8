"""What a list needs besides a model: what may be shown to whom, and what reasons may be told.

It is made from a world at night, and opened from a bundle when a storefront asks with rules of its own. Its
arrays are mapped into memory, so opening costs little, whatever the number of customers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.arrays import read_mapped, write_mapped
from recs.availability import Availability
from recs.bundle import fixed_width
from recs.due import resting
from recs.history import History
from recs.local import Local
from recs.prices import Prices
from recs.protocol import Mask
from recs.rules import Rules, affordable, allowed, asks_for_prices
from warehouse.errors import NotFoundError
from warehouse.settings import RecsSettings

CATEGORY_DAYS = 90
"""How long a basket with a category is worth mentioning."""

VIEW_DAYS = 28
"""How long a look at a product is worth mentioning."""

REGULAR = 0.5
"""The deviation of gaps, as a share of their median, up to which purchases have a rhythm."""

FOLDER = "shop"
HABITS = ("baskets", "last", "rhythm", "resting")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Policy:
    """How a retailer wants lists; see `settings.toml`."""

    depth: int
    category_cap: int
    mmr: float
    consent: bool
    rules: Rules

    @classmethod
    def of(cls, settings: RecsSettings) -> "Policy":
        """What these settings say."""
        asks = settings.require_personalisation_consent
        return cls(settings.depth, settings.category_cap, settings.mmr, asks, settings.rules)


@dataclass(frozen=True)
class Audience:
    """Customers who may be shown the same products: `rows` (U,), and what is `allowed` for them, (I,).

    Where it is `impersonal`, what they bought and looked at must not shape their lists, but for this:
    what they bought is nothing to discover.
    """

    rows: Rows
    allowed: Mask
    impersonal: bool


@dataclass(frozen=True)
class Shop:
    """Everything that is not a model's.

    Attributes:
        catalogue: `product_id`, `title` and `category`, by column.
        policy: how the retailer wants lists.
        sensitive: (I,) products that are never named, and never shown to who did not buy them.
        kinds: (I, 2) int32 category and department of each product, -1 where unknown.
        buyers: (I,) how many customers bought each product.
        available: what is on sale to whom.
        prices: what products cost where each customer buys.
        impersonal: (U,) rows that get what is popular.
        local: popularity where each customer shops.
        habits: by name of `HABITS` a value for each product a customer bought, all over the same cells:
            `baskets`, the `last` day, the `rhythm` in days (0 where there is none), whether it is `resting`.
        categories: (U, categories) in how many of a customer's late baskets each category was.
        viewed: (U, I) the last day on which a customer lately looked at a product.
        markets: (M,) names of the markets that customers shop in, as UTF-8 bytes, sorted.
        places: (M, 3) for each the numbers that a customer there has in `available.groups`, `prices.home` and
            `local.home`.
    """

    catalogue: pl.DataFrame
    policy: Policy
    sensitive: Mask
    kinds: NDArray[np.int32]
    buyers: NDArray[np.int64]
    available: Availability
    prices: Prices
    impersonal: Mask
    local: Local
    habits: Mapping[str, csr_matrix]
    categories: csr_matrix
    viewed: csr_matrix
    markets: NDArray[np.bytes_]
    places: NDArray[np.int64]

    @classmethod
    def of(
        cls, history: History, settings: RecsSettings, available: Availability, prices: Prices,
        impersonal: Mask, local: Local, homes: pl.Series
    ) -> "Shop":  # fmt: skip
        """The shop as a history leaves it; `local` is fitted on it, `homes` (U,) names the markets."""
        kinds, (markets, first) = history.kinds, _markets(homes)
        places = np.stack([part[first] for part in (available.groups, prices.home, local.home)], axis=1)
        return cls(
            history.catalogue.select("product_id", "title", "category"),
            Policy.of(settings),
            history.catalogue["sensitive"].to_numpy(),
            kinds,
            history.buyers,
            available,
            prices,
            impersonal,
            local,
            _habits(history, settings.due_share),
            _categories(history, kinds[:, 0]),
            _viewed(history),
            markets,
            places.astype(np.int64),
        )

    def cells(self, row: int) -> slice:
        """Where a customer's products stand in `bought` and `habits`."""
        return slice(int(self.bought.indptr[row]), int(self.bought.indptr[row + 1]))

    @property
    def bought(self) -> csr_matrix:
        """(U, I) pattern of what each customer ever bought."""
        return self.habits["baskets"]

    @cached_property
    def titles(self) -> NDArray[np.int32]:
        """(I,) a number for each title: products of one have one name."""
        return self.catalogue["title"].rank("dense").cast(pl.Int32).to_numpy()

    @cached_property
    def unspeakable(self) -> Mask:
        """(categories,) those that hold a sensitive product, so that to name them may say too much."""
        category, count = self.kinds[:, 0], self.categories.shape[1]
        hidden = category[self.sensitive & (category >= 0)]
        return np.bincount(hidden, minlength=count).astype(np.bool_)

    def groups(self, rules: Sequence[Rules], rows: Rows | None = None) -> Iterator[Audience]:
        """Customers by what they may be shown; their rows ascend.

        Args:
            rules: all that hold.
            rows: the customers, by default everybody and nobody.
        """
        asked = np.arange(len(self.impersonal)) if rows is None else rows
        passing = allowed(rules, self.catalogue)
        home = self.prices.home[asked] if asks_for_prices(rules) else np.full(len(asked), -1)
        sorts = np.stack([self.available.groups[asked], home, self.impersonal[asked]], axis=1)
        kinds, which = np.unique(sorts, axis=0, return_inverse=True)
        order = np.argsort(which, kind="stable")
        parts = np.split(asked[order], np.cumsum(np.bincount(which, minlength=len(kinds)))[:-1])
        for (group, market, impersonal), part in zip(kinds.tolist(), parts, strict=True):
            yield Audience(part, self.shown(group, market, rules, passing), bool(impersonal))

    def shown(self, group: int, home: int, rules: Sequence[Rules], passing: Mask | None = None) -> Mask:
        """What may be shown to customers under some rules, (I,).

        Args:
            group: of `available`.
            home: the market whose prices they pay, -1 where unknown.
            rules: all that hold.
            passing: what `allowed` says of these rules, where that is known already.
        """
        mask = self.available.mask(group)
        mask &= allowed(rules, self.catalogue) if passing is None else passing
        if asks_for_prices(rules):
            mask &= affordable(rules, *self.prices.at(home))
        return mask

    def save(self, folder: Path) -> None:
        """Writes the shop into a bundle's folder, the same bytes for the same shop."""
        place = folder / FOLDER
        write_mapped(place, self._arrays())
        self.local.save(place)
        policy = vars(self.policy) | {"rules": self.policy.rules.model_dump(mode="json")}
        text = json.dumps(policy, indent=1, sort_keys=True, ensure_ascii=False)
        (place / "policy.json").write_text(text, encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> "Shop":
        """Opens what `save` wrote.

        Raises:
            NotFoundError: it is missing or incomplete.
        """
        place = folder / FOLDER
        try:
            policy = json.loads((place / "policy.json").read_text(encoding="utf-8"))
            catalogue = pl.read_parquet(
                folder / "catalogue.parquet", columns=["product_id", "title", "category"]
            )
            rules = Rules.model_validate(policy.pop("rules"))
            return cls._restored(
                catalogue, Policy(**policy, rules=rules), Local.load(place), read_mapped(place)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotFoundError(
                f"the shop of the bundle at {folder} cannot be read ({error}); run the night again"
            ) from error

    def _arrays(self) -> dict[str, NDArray[Any]]:
        lengths = np.cumsum([0, *(len(columns) for columns in self.available.off)])
        found = {
            "sensitive": self.sensitive,
            "kinds": self.kinds,
            "buyers": self.buyers,
            "impersonal": self.impersonal,
            "available": self.available.base,
            "available_groups": self.available.groups,
            "available_off": np.concatenate(self.available.off),
            "available_begin": lengths,
            "markets": self.markets,
            "market_places": self.places,
            "bought_indices": self.bought.indices,
            "bought_indptr": self.bought.indptr,
        }
        found |= {f"bought_{name}": matrix.data for name, matrix in self.habits.items()}
        for name, matrix in (("category", self.categories), ("viewed", self.viewed)):
            found |= {f"{name}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}
        return found | {"categories": np.array(self.categories.shape[1])} | self.prices.arrays()

    @classmethod
    def _restored(
        cls, catalogue: pl.DataFrame, policy: Policy, local: Local, a: Mapping[str, NDArray[Any]]
    ) -> "Shop":
        users, items = len(a["impersonal"]), catalogue.height
        begin = a["available_begin"].tolist()
        off = tuple(a["available_off"][x:y] for x, y in pairwise(begin))
        cells = (a["bought_indices"], a["bought_indptr"])
        categories, viewed = (
            csr_matrix(tuple(a[f"{name}_{part}"] for part in ("data", "indices", "indptr")), shape=shape)
            for name, shape in (("category", (users, int(a["categories"]))), ("viewed", (users, items)))
        )
        return cls(
            catalogue,
            policy,
            a["sensitive"],
            a["kinds"],
            a["buyers"],
            Availability(a["available"], off, a["available_groups"]),
            Prices.restored(a),
            a["impersonal"],
            local,
            {name: csr_matrix((a[f"bought_{name}"], *cells), shape=(users, items)) for name in HABITS},
            categories,
            viewed,
            a["markets"],
            a["market_places"],
        )


def _markets(homes: pl.Series) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """The names of all markets, sorted, and the first row that is at home in each."""
    rows = homes.to_frame("market").with_row_index("row").drop_nulls()
    found = rows.unique("market", keep="first", maintain_order=True).sort("market")
    return fixed_width(found["market"]), found["row"].to_numpy().astype(np.int64)


def _habits(history: History, due_share: float) -> dict[str, csr_matrix]:
    gap, deviation = pl.col("gap_median"), pl.col("gap_deviation")
    late = history.end - 1 - pl.col("last") > 2 * gap
    rhythm = pl.when((deviation <= REGULAR * gap) & ~late).then(gap.round())
    pairs = history.pairs.select(
        pl.col("baskets", "last").cast(pl.Int32),
        rhythm=rhythm.fill_null(0).cast(pl.Int32),
        resting=pl.Series(resting(history, due_share).astype(np.uint8)),
    )
    counts = history.interactions.counts
    return {
        name: csr_matrix((pairs[name].to_numpy(), counts.indices, counts.indptr), shape=counts.shape)
        for name in HABITS
    }


def _categories(history: History, category: NDArray[np.int32]) -> csr_matrix:
    lately = pl.col("day") >= history.end - CATEGORY_DAYS
    found = (
        history.lines.lazy()
        .filter(lately)
        .with_columns(category=pl.lit(pl.Series(category)).gather(pl.col("column")))
        .filter(pl.col("category") >= 0)
        .group_by("row", "category")
        .agg(baskets=pl.col("order").n_unique().cast(pl.Int32))
        .sort("row", "category")
        .collect()
    )
    shape = (history.nobody + 1, int(category.max(initial=-1)) + 1)
    place = (found["row"].to_numpy(), found["category"].to_numpy())
    return csr_matrix((found["baskets"].to_numpy(), place), shape=shape)


def _viewed(history: History) -> csr_matrix:
    lately = pl.col("day") >= history.end - VIEW_DAYS
    found = history.views.filter(lately).group_by("row", "column").agg(pl.col("day").max())
    found = found.sort("row", "column")
    place = (found["row"].to_numpy(), found["column"].to_numpy())
    return csr_matrix((found["day"].to_numpy(), place), shape=history.interactions.counts.shape)
