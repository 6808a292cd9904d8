"""What a shop would build without us: FastAPI around `implicit`, answering a basket on the spot.

    python -m benchmarks.scoring.peer_server BUNDLE_FOLDER --port 8010 [--workers 2] [--route async|def]

It serves the products, titles and factors of a made bundle: `POST /v1/baskets` as ours takes and answers it.
Made as fast as the library allows: one BLAS thread and one of implicit's in a process (a single customer is
one block of work to it anyway), the product of the factors with themselves kept in the model (`YtY`), ids
looked up in a dict, the answer serialised once instead of validated again, uvicorn with the loop and parser
it likes best. An `async` route answers on the spot; a `def` one goes through a pool of threads. Both can be
had.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import uvicorn
from fastapi import FastAPI, HTTPException, Response
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.sparse import csr_matrix

_FOLDER, _ROUTE = "PEER_FOLDER", "PEER_ROUTE"
"""Environment variables by which the worker processes are told what to serve."""


class Basket(BaseModel):
    """What a visitor has."""

    products: list[str]
    views: list[str] = []
    n: int = 10


class Peer:
    """The model and what its numbers mean."""

    def __init__(self, products: list[str], titles: list[str], factors: NDArray[np.float32]) -> None:
        self.products, self.titles = products, titles
        self.columns = {product: column for column, product in enumerate(products)}
        self.model = AlternatingLeastSquares(factors=factors.shape[1], num_threads=1)
        self.model.item_factors = factors
        self.model.user_factors = np.zeros((1, factors.shape[1]), np.float32)
        _ = self.model.YtY  # computed once and kept

    @classmethod
    def open(cls, folder: Path) -> "Peer":
        """The peer of a bundle that `benchmarks.scoring.made` made."""
        catalogue = pl.read_parquet(folder / "catalogue.parquet", columns=["product_id", "title"])
        with np.load(folder / "models" / "ials.npz", allow_pickle=False) as model:
            factors = np.ascontiguousarray(model["product_factors"])
        return cls(catalogue["product_id"].to_list(), catalogue["title"].to_list(), factors)

    def answer(self, basket: Basket) -> bytes:
        """The best products besides those of the basket, as JSON."""
        columns = sorted({self.columns[product] for product in basket.products if product in self.columns})
        if not columns:
            raise HTTPException(404, "none of these products is known")
        shape = (1, len(self.products))
        ones = np.ones(len(columns), np.float32)
        row = csr_matrix(
            (ones, np.array(columns, np.int32), np.array([0, len(columns)], np.int32)), shape=shape
        )
        ids, scores = self.model.recommend(
            0, row, N=basket.n, filter_already_liked_items=True, recalculate_user=True
        )
        items = [
            {
                "rank": rank,
                "product_id": self.products[column],
                "title": self.titles[column],
                "score": score,
                "reason": "Customers with baskets like yours buy this",
            }
            for rank, (column, score) in enumerate(zip(ids.tolist(), scores.tolist(), strict=True), 1)
        ]
        return json.dumps({"bundle_id": "implicit", "source": "session", "items": items}).encode()


def create_app() -> FastAPI:
    """The application of one worker process."""
    peer, app = Peer.open(Path(os.environ[_FOLDER])), FastAPI()

    def threaded(basket: Basket) -> Response:
        return Response(peer.answer(basket), media_type="application/json")

    async def at_once(basket: Basket) -> Response:
        return Response(peer.answer(basket), media_type="application/json")

    app.post("/v1/baskets")(threaded if os.environ[_ROUTE] == "def" else at_once)

    @app.get("/readyz")
    def readyz() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    """Serves until it is stopped."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path)
    options.add_argument("--port", type=int, default=8010)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--route", choices=["async", "def"], default="async")
    chosen = options.parse_args()
    os.environ |= {_FOLDER: str(chosen.folder), _ROUTE: chosen.route, "OPENBLAS_NUM_THREADS": "1"}
    uvicorn.run(
        "benchmarks.scoring.peer_server:create_app",
        factory=True,
        port=chosen.port,
        workers=chosen.workers,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
