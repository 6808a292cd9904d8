"""The models of other libraries, each behind one function: purchases and parameters in, scores out.

Nothing of ours is imported: this runs where a library is installed, in an environment of its own. A peer
returns a score for every product, higher is better; what may be listed is decided by whoever asked. Each has
its library's defaults, or the settings its own first example uses where it has none worth the name, and for
every parameter the values that a random search may try.

Two parameters are not the libraries' own: `values`, what stands in the matrix for a customer and a product
they bought (see `Purchases.valued`), and `products`, how many of the most bought products a model that
inverts a dense matrix looks at, since its cost grows with their cube.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
Score = Callable[[Rows], Scores]
"""Row numbers (R,) to scores (R, I), NaN where the model has no opinion."""
Fit = Callable[..., Score]
"""A matrix (U, I), a seed and the library's own parameters to a fitted model."""

VALUES = ("count", "once", "log", "decayed")


@dataclass(frozen=True)
class Purchases:
    """What was bought before a moment: customers × products, the product most customers bought first.

    Attributes:
        counts: (U, I) lines bought.
        decayed: (U, I) the same, a line counting half after each half-life.
    """

    counts: csr_matrix
    decayed: csr_matrix

    def valued(self, how: str) -> csr_matrix:
        """The matrix a model sees: lines bought, 1 for any, log(1 + lines), or decayed lines."""
        if how == "decayed":
            return self.decayed
        lines = self.counts.data
        values = {"count": lines, "once": np.ones_like(lines), "log": np.log1p(lines)}[how]
        return csr_matrix((values, self.counts.indices, self.counts.indptr), shape=self.counts.shape)


@dataclass(frozen=True)
class Peer:
    """One model of a library.

    Attributes:
        name: as the results call it.
        fit: see `Fit`.
        default: parameters without tuning.
        space: the values a search may try, by parameter; empty where there is nothing to tune.
    """

    name: str
    fit: Fit
    default: Mapping[str, Any]
    space: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Library:
    """A library: the package whose version is told, the module to import before time is taken, its models."""

    package: str
    module: str
    peers: tuple[Peer, ...]


def fitted(peer: Peer, purchases: Purchases, parameters: Mapping[str, Any], seed: int) -> Score:
    """A peer fitted with these parameters; products it may not see have no score."""
    own = {name: value for name, value in parameters.items() if name not in ("values", "products")}
    matrix = purchases.valued(parameters.get("values", "count"))
    total = matrix.shape[1]
    score = peer.fit(matrix[:, : parameters.get("products", total)], seed, **own)

    def padded(rows: Rows) -> Scores:
        said = np.full((len(rows), total), np.nan, np.float32)
        found = score(rows)
        said[:, : found.shape[1]] = found
        return said

    return padded


def by_factors(customers: Scores, products: Scores) -> Score:
    """Scores that are products of factors."""
    return lambda rows: customers[rows] @ products.T


def _implicit_factors(name: str, matrix: csr_matrix, seed: int, **own: Any) -> Score:
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from implicit.cpu.lmf import LogisticMatrixFactorization

    made = {
        "als": AlternatingLeastSquares,
        "bpr": BayesianPersonalizedRanking,
        "lmf": LogisticMatrixFactorization,
    }
    model = made[name](**own, num_threads=1, random_state=seed)
    model.fit(matrix, show_progress=False)
    return by_factors(model.user_factors, model.item_factors)


def _implicit_neighbours(name: str, matrix: csr_matrix, seed: int, **own: Any) -> Score:  # noqa: ARG001
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

    made = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
    model = made[name](**own, num_threads=1)
    model.fit(matrix, show_progress=False)
    return lambda rows: (matrix[rows] @ model.similarity).toarray()


def _irspack(name: str, matrix: csr_matrix, seed: int, **own: Any) -> Score:
    from irspack import recommenders  # type: ignore[import-not-found]

    if name in ("IALS", "TruncatedSVD"):
        own["random_seed"] = seed
    model = getattr(recommenders, f"{name}Recommender")(matrix, **own).learn()
    return lambda rows: np.asarray(model.get_score(rows), np.float32)


def _lenskit(name: str, matrix: csr_matrix, seed: int, **own: Any) -> Score:
    import pandas as pd  # type: ignore[import-untyped]
    from lenskit import als, knn  # type: ignore[import-not-found]
    from lenskit.data import ItemList, RecQuery, from_interactions_df  # type: ignore[import-not-found]
    from lenskit.training import TrainingOptions  # type: ignore[import-not-found]

    cells = matrix.tocoo()
    data = from_interactions_df(
        pd.DataFrame({"user_id": cells.row, "item_id": cells.col, "rating": cells.data})
    )
    made = {
        "ItemKNN": knn.ItemKNNScorer,
        "UserKNN": knn.UserKNNScorer,
        "ImplicitMF": als.ImplicitMFScorer,
        "BiasedMF": als.BiasedMFScorer,
    }
    model = made[name](**own)
    model.train(data, TrainingOptions(rng=seed))
    everything = ItemList(item_ids=np.arange(matrix.shape[1]))

    def score(rows: Rows) -> Scores:
        said = np.full((len(rows), matrix.shape[1]), np.nan, np.float32)
        for place, row in enumerate(rows.tolist()):
            history = data.user_row(row)
            if history is not None:
                said[place] = model(RecQuery(user_id=row, history_items=history), everything).scores()
        return said

    return score


def _lenskit_popular(matrix: csr_matrix, seed: int) -> Score:  # noqa: ARG001
    import pandas as pd
    from lenskit.basic import PopScorer  # type: ignore[import-not-found]
    from lenskit.data import ItemList, from_interactions_df

    cells = matrix.tocoo()
    model = PopScorer()
    model.train(from_interactions_df(pd.DataFrame({"user_id": cells.row, "item_id": cells.col})))
    said = model(ItemList(item_ids=np.arange(matrix.shape[1]))).scores().astype(np.float32)
    return lambda rows: np.tile(said, (len(rows), 1))


def _rectools(name: str, matrix: csr_matrix, seed: int, **own: Any) -> Score:
    import pandas as pd
    from implicit.als import AlternatingLeastSquares
    from rectools import models  # type: ignore[import-not-found]
    from rectools.dataset import Dataset  # type: ignore[import-not-found]

    cells = matrix.tocoo()
    lines = {"user_id": cells.row, "item_id": cells.col, "weight": cells.data, "datetime": "2000-01-01"}
    data = Dataset.construct(pd.DataFrame(lines))
    made = {
        "EASE": lambda: models.EASEModel(**own),
        "PureSVD": lambda: models.PureSVDModel(**own, random_state=seed),
        "ALS": lambda: models.ImplicitALSWrapperModel(
            AlternatingLeastSquares(**own, num_threads=1, random_state=seed)
        ),
        "Popular": lambda: models.PopularModel(**own),
    }
    model = made[name]().fit(data)
    # RecTools numbers customers and products as it meets them; these are its numbers' places in our matrix.
    customers, products = data.user_id_map.external_ids, data.item_id_map.external_ids
    if name == "Popular":
        inner, counted = model.popularity_list
        said = np.full(matrix.shape[1], np.nan, np.float32)
        said[products[inner]] = counted
        return lambda rows: np.tile(said, (len(rows), 1))
    if name == "EASE":
        weight = np.zeros((matrix.shape[1],) * 2, np.float32)
        weight[np.ix_(products, products)] = model.weight
        return lambda rows: np.asarray(matrix[rows] @ weight)
    inner_customers, inner_products = model.get_vectors()
    factors = inner_customers.shape[1]
    placed = [np.zeros((size, factors), np.float32) for size in matrix.shape]
    placed[0][customers], placed[1][products] = inner_customers, inner_products
    return by_factors(placed[0], placed[1])


def _lightfm(matrix: csr_matrix, seed: int, epochs: int, **own: Any) -> Score:
    from lightfm import LightFM  # type: ignore[import-not-found]

    model = LightFM(**own, random_state=seed)
    cells = matrix.tocoo().astype(np.float32)
    once = cells.copy()
    once.data = np.ones_like(cells.data)
    model.fit(once, sample_weight=cells, epochs=epochs, num_threads=1)
    customers, products, biases = model.user_embeddings, model.item_embeddings, model.item_biases
    return lambda rows: customers[rows] @ products.T + biases


_COMMON = {"values": VALUES}
_NEIGHBOURS = _COMMON | {"K": (10, 20, 50, 100, 200, 500, 1000)}
_FACTORS = _COMMON | {"factors": (16, 32, 64, 128, 256)}
_NEAR = _COMMON | {
    "top_k": (20, 50, 100, 200, 500, 1000),
    "shrinkage": (0.0, 1.0, 10.0, 50.0, 200.0),
    "feature_weighting": ("NONE", "TF_IDF", "BM_25"),
    "n_threads": (1,),
}
_MF = _COMMON | {
    "embedding_size": (16, 32, 64, 128),
    "epochs": (5, 10, 15, 20),
    "regularization": (0.001, 0.01, 0.1, 1.0, 10.0),
}
_REGULAR = (0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_STRONG = (30.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
_DENSE = _COMMON | {"products": (2000, 4000, 6000)}
_ALS = _FACTORS | {"regularization": _REGULAR, "alpha": (0.3, 1.0, 3.0, 10.0), "iterations": (5, 10, 15)}
_ONCE: dict[str, Any] = {"values": "once"}
_WIDE: dict[str, Any] = {"products": 6000}

LIBRARIES = {
    "implicit": Library(
        "implicit",
        "implicit.nearest_neighbours",
        (
            Peer("als", partial(_implicit_factors, "als"), {}, _ALS),
            Peer(
                "lmf",
                partial(_implicit_factors, "lmf"),
                {},
                _FACTORS
                | {
                    "regularization": (0.01, 0.1, 0.6, 2.0, 10.0),
                    "learning_rate": (0.1, 0.3, 1.0),
                    "iterations": (10, 30, 60),
                    "neg_prop": (5, 10, 30),
                },
            ),
            Peer(
                "bpr",
                partial(_implicit_factors, "bpr"),
                {},
                _FACTORS
                | {
                    "regularization": (0.001, 0.01, 0.03, 0.1),
                    "learning_rate": (0.01, 0.03, 0.1),
                    "iterations": (50, 100, 200),
                },
            ),
            Peer("cosine", partial(_implicit_neighbours, "cosine"), {}, _NEIGHBOURS),
            Peer("tfidf", partial(_implicit_neighbours, "tfidf"), {}, _NEIGHBOURS),
            Peer(
                "bm25",
                partial(_implicit_neighbours, "bm25"),
                {},
                _NEIGHBOURS | {"K1": (0.2, 0.6, 1.2, 2.0, 5.0), "B": (0.0, 0.25, 0.5, 0.75, 1.0)},
            ),
        ),
    ),
    "irspack": Library(
        "irspack",
        "irspack.recommenders",
        (
            Peer(
                "iALS",
                partial(_irspack, "IALS"),
                _ONCE | {"n_threads": 1},
                _COMMON
                | {
                    "n_components": (16, 32, 64, 128, 256),
                    "alpha0": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
                    "reg": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
                    "nu": (0.0, 0.5, 1.0),
                    "train_epochs": (8, 16),
                    "n_threads": (1,),
                },
            ),
            Peer(
                "RP3beta",
                partial(_irspack, "RP3beta"),
                _ONCE | {"n_threads": 1},
                _COMMON
                | {
                    "alpha": (0.4, 0.6, 0.8, 1.0, 1.2, 1.5),
                    "beta": (0.0, 0.1, 0.2, 0.4, 0.6, 0.8),
                    "top_k": (20, 50, 100, 200, 500),
                    "normalize_weight": (False, True),
                    "n_threads": (1,),
                },
            ),
            Peer("DenseSLIM", partial(_irspack, "DenseSLIM"), _ONCE | _WIDE, _DENSE | {"reg": _STRONG}),
            Peer("cosine", partial(_irspack, "CosineKNN"), _ONCE | {"n_threads": 1}, _NEAR),
            Peer("user cosine", partial(_irspack, "CosineUserKNN"), _ONCE | {"n_threads": 1}, _NEAR),
        ),
    ),
    "lenskit": Library(
        "lenskit",
        "lenskit.als",
        (
            Peer("popular", _lenskit_popular, {}, {}),
            Peer(
                "ItemKNN",
                partial(_lenskit, "ItemKNN"),
                {"feedback": "implicit"},
                {
                    "feedback": ("implicit",),
                    "max_nbrs": (10, 20, 50, 100, 200),
                    "min_sim": (1e-6, 0.01, 0.03, 0.1),
                    "save_nbrs": (50, 200, 500),
                },
            ),
            Peer(
                "UserKNN",
                partial(_lenskit, "UserKNN"),
                {"feedback": "implicit"},
                {
                    "feedback": ("implicit",),
                    "max_nbrs": (20, 50, 100, 200, 400),
                    "min_sim": (1e-6, 0.01, 0.05),
                },
            ),
            Peer(
                "ImplicitMF",
                partial(_lenskit, "ImplicitMF"),
                {},
                _MF | {"weight": (1.0, 3.0, 10.0, 40.0), "use_ratings": (True, False)},
            ),
            Peer("BiasedMF", partial(_lenskit, "BiasedMF"), {}, _MF),
        ),
    ),
    "rectools": Library(
        "rectools",
        "rectools.models",
        (
            Peer("popular", partial(_rectools, "Popular"), {}, {}),
            Peer("EASE", partial(_rectools, "EASE"), _WIDE, _DENSE | {"regularization": _STRONG}),
            Peer("ALS", partial(_rectools, "ALS"), {}, _ALS),
            Peer(
                "PureSVD", partial(_rectools, "PureSVD"), {}, _COMMON | {"factors": (8, 16, 32, 64, 128, 256)}
            ),
        ),
    ),
    "lightfm": Library(
        "rectools-lightfm",
        "lightfm",
        tuple(
            Peer(
                loss,
                _lightfm,
                {"loss": loss, "epochs": 30},
                _COMMON
                | {
                    "loss": (loss,),
                    "no_components": (16, 32, 64, 128),
                    "learning_rate": (0.02, 0.05, 0.1),
                    "item_alpha": (0.0, 1e-6, 1e-5, 1e-4),
                    "user_alpha": (0.0, 1e-6, 1e-5, 1e-4),
                    "epochs": (10, 20, 40),
                },
            )
            for loss in ("warp", "bpr")
        ),
    ),
}
