"""A whole home after an erasure: nothing of the customer is anywhere, and everybody else is as before."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import inspect, text

import recs.export
from advocate import erasing
from advocate.night import run_night
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.live import Event, record, since
from outreach import review
from outreach.auditing import check_decisions
from outreach.explain import explain
from outreach.promises import checking, desk, goodwill
from outreach.promises.accounts import balances, listed
from outreach.sending import send
from recs import archive
from recs.erasing import CELLS, ROWS
from recs.scoring import Scorer
from tests.conftest import BOTH, copy_of, migrated_on
from tests.outreach.worlds import EVERYTHING
from tests.worlds import DAY, END, write_feed
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import (
    ErasedError,
    ForbiddenError,
    LeaseHeldError,
    NotFoundError,
    SettingsError,
)
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.settings import Settings
from warehouse.tombstones import mark_of, pseudonym_of

pytestmark = pytest.mark.slow

WHO = "erase-me-Ωß-7731"
EMAIL, PHONE = "gone.7731@erase.example", "+49 7731 7731 001"
SAYS = [WHO, EMAIL, PHONE, "Ωß-7731"]
MORNING = datetime(2017, 12, 1, 10, tzinfo=UTC)
FEW = {"depth": 5, "min_judged_customers": 10, "als_factors": 4, "tune_seconds": 0}


def feed(folder: Path) -> Path:
    """The small grocer, whose customer `c0` has an id like nothing else, and rows in every table."""
    write_feed(folder)
    for file in folder.glob("*.csv"):
        body = file.read_text()
        file.write_text(re.sub(r"(?<![\w-])(c0|claim|o0-\d+)(?![\w-])", lambda m: renamed(m[0]), body))
    people = pl.read_csv(folder / "customers.csv")
    mine = pl.col("customer_id") == WHO
    people.with_columns(
        email=pl.when(mine).then(pl.lit(EMAIL)), phone=pl.when(mine).then(pl.lit(PHONE))
    ).write_csv(folder / "customers.csv")
    lines = {
        "returns": f"order_id,line_id,returned_at,quantity\nclaim {WHO},1,2017-11-27T00:00:00Z,0.5\n"
        f"claim {WHO},1,soon,1\n",
        "views": f"customer_id,product_id,viewed_at,kind\n{WHO},p3,2017-11-20T00:00:00Z,view\n"
        f"{WHO},p4,never,view\nc2,p4,2017-11-20T00:00:00Z,view\nc3,p4,never,view\n",
        "usage": f"customer_id,product_id,kind,at\n{WHO},p3,play,2017-11-20T00:00:00Z\n",
        "incidents": "incident_id,customer_id,kind,severity,occurred_at\n"
        f"i {WHO},{WHO},damaged,4,2017-11-28T00:00:00Z\n",
        "contacts": "contact_id,customer_id,channel,purpose,sent_at\n"
        f"k {WHO},{WHO},email,service,2017-10-01T00:00:00Z\n",
        "responses": f"response_id,customer_id,kind,at\nr {WHO},{WHO},answered,2017-10-02T00:00:00Z\n",
    }  # fmt: skip
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text(rows)
    with (folder / "entitlements.csv").open("a") as file:
        file.write(f"e {WHO},{WHO},half,2017-11-01T00:00:00Z,2017-12-31T00:00:00Z,2\n")
    uses = f"entitlement_id,used_at,value\ne {WHO},2017-11-10T00:00:00Z,0.50\n"
    (folder / "entitlement_uses.csv").write_text(uses)
    return folder


def renamed(name: str) -> str:
    return WHO if name == "c0" else f"{name} {WHO}"


@pytest.fixture(scope="module")
def grocer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return feed(tmp_path_factory.mktemp("grocer") / "feed")


@pytest.fixture(scope="module", params=BOTH)
def lived_in(
    request: pytest.FixtureRequest, grocer: Path, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A home after two nights in which the customer was promised money, written to, and shown lists."""
    made = copy_of(migrated_on(request), tmp_path_factory.mktemp("lived") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING, "recs": made.recs.model_copy(update=FEW)})
    bring_in(home, read_folder(grocer))
    newer = tmp_path_factory.mktemp("newer")
    (newer / "customers.csv").write_text(
        f"customer_id,email,person_id\n{WHO},{EMAIL},p\nc9,new@c9.example,p\n"
    )
    bring_in(home, read_folder(newer))
    for day in (DAY - timedelta(days=1), DAY):
        with clock.at(MORNING - timedelta(hours=8)):
            assert run_night(home, day).failed == {}
    with clock.at(MORNING):
        review.approve(home, str(DAY), by="maria")
    with clock.at(MORNING + timedelta(hours=1)):
        assert send(home).rejected == {}
        goodwill.grant(home, WHO, 300, "EUR", by="maria", why="parcel was wet")
        paid = goodwill.grant(home, WHO, 200, "EUR", by="maria", why="late")
        desk.pay(home, paid.promise_id, reference=f"bank 17 for {WHO}", by="maria")
        record(home, [Event(WHO, "p3", "cart", MORNING), Event("c2", "p3", "cart", MORNING)])
    shown = [
        (END, "q", one, "recommend", "for_you", "customer", "champion", "b", ["p1"])
        for one in (WHO, "c2", None)
    ]
    list(archive.add(home, pl.DataFrame(shown, schema=archive.SCHEMA, orient="row"), "file"))
    return home


@pytest.fixture
def home(lived_in: Settings, tmp_path: Path) -> Iterator[Settings]:
    with clock.at(MORNING + timedelta(hours=2)):
        yield copy_of(lived_in, tmp_path / "home")


def erase(home: Settings) -> Any:
    return erasing.erase(home, WHO, by="maria", reason="asked by letter")


def found_in_files(home: Settings) -> list[str]:
    """Every file, and every value of every Parquet file, that says something of the customer."""
    found = []
    for path in (path for path in home.home.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        found += [f"{path}: {one}" for one in SAYS if one.encode() in raw or one in path.name]
        if path.suffix == ".parquet":
            found += [f"{path}: {one}" for one in SAYS if one in str(pl.read_parquet(path).rows())]
        if path.suffix == ".npz":
            assert np.load(path).files
    return found


def found_in_database(home: Settings) -> list[str]:
    """Every text column of every table there is, also of tables that no class describes."""
    found = []
    with reading(engine_for(home)) as session:
        for table in inspect(session.get_bind()).get_table_names():
            for row in session.execute(text(f'SELECT * FROM "{table}"')):
                found += [f"{table}: {one}" for one in SAYS if one in str(tuple(row))]
    return found


def others(home: Settings) -> dict[str, pl.DataFrame]:
    """What everybody else has: each table of the lake, each night's frames, slates and served lists."""
    lake, found = Lake.of(home), {}
    for path in sorted(Path(lake.shelf.root).rglob("*.parquet")):
        rows = pl.read_parquet(path, hive_partitioning=False)
        found[str(path)] = rows.filter(
            pl.lit(True) if "customer_id" not in rows.columns else pl.col("customer_id").ne_missing(WHO)
        )
    found["slates"] = recs.export.recommendations(home, DAY).filter(pl.col("customer_id") != WHO).collect()
    found["served"] = (
        archive.read(home, DAY, DAY + timedelta(days=2))
        .filter(pl.col("customer_id").ne_missing(WHO))
        .collect()
    )
    return found


def test_the_home_is_full_of_the_customer_before(home: Settings) -> None:
    places = "\n".join(found_in_files(home))
    for place in ("lake/events/purchases", "lake/events/returns", "nights/", "quarantine/",
                  "customers.npy", "served/", "outbox/"):  # fmt: skip
        assert place in places
    tables = "\n".join(found_in_database(home))
    for table in ("notices", "notice_opportunities", "promises", "postings", "live_events"):
        assert f"{table}: " in tables


def test_nothing_of_an_erased_customer_is_anywhere(home: Settings) -> None:
    before = others(home)
    receipt = erase(home)
    assert found_in_files(home) == []
    assert found_in_database(home) == []
    assert receipt.rows_out["lake: purchases"] > 0
    after = others(home)
    assert after.keys() == before.keys()
    dependent = ("returns", "entitlement_uses", "members", "told", "coupon_chances", "superseded")
    for name, frame in before.items():
        if not any(word in name for word in dependent):
            assert_frame_equal(after[name], frame)
        else:
            assert after[name].height <= frame.height
    with reading(engine_for(home)) as session:
        audit.verify(session)
        assert check_decisions(session)


def test_the_books_still_balance_under_a_pseudonym(home: Settings) -> None:
    with reading(engine_for(home)) as session:
        before = {one.customer_id: one for one in balances(session)}
    receipt = erase(home)
    pseudonym = pseudonym_of(mark_of(home, WHO))
    with reading(engine_for(home)) as session:
        after = {one.customer_id: one for one in balances(session)}
        said = {one.said for one in listed(session, customer_id=pseudonym)}
    assert vars(after.pop(pseudonym)) | {"customer_id": WHO} == vars(before.pop(WHO))
    assert after == before
    assert said == {""}
    assert checking.check(home).findings == []
    assert [pseudonym in one for one in receipt.warnings] == [True]


def test_a_later_import_does_not_bring_them_back(home: Settings, grocer: Path, tmp_path: Path) -> None:
    erase(home)
    again = bring_in(home, read_folder(grocer))
    assert again.rejected["purchases: erased"] > 10
    assert (again.rejected["returns: erased"], again.rejected["entitlement_uses: erased"]) == (2, 1)
    later = tmp_path / "later"
    later.mkdir()
    (later / "returns.csv").write_text(
        f"order_id,line_id,returned_at,quantity\nclaim {WHO},1,2017-11-30T00:00:00Z,0.5\n"
    )
    (later / "views.csv").write_text(
        f"customer_id,product_id,viewed_at,kind\n{WHO},p3,2017-11-30T00:00:00Z,view\n"
    )
    alone = bring_in(home, read_folder(later))
    assert (alone.rows_in, alone.rejected) == (
        {"returns": 1, "views": 1},
        {"returns: erased": 1, "views: erased": 1},
    )
    assert record(home, [Event(WHO, "p3", "cart", MORNING), Event("c2", "p9", "cart", MORNING)]) == 1
    assert {one.event.customer_id for one in since(home, 0)} == {"c2"}
    with clock.at(MORNING + timedelta(days=1)):
        assert run_night(home, DAY + timedelta(days=1)).failed == {}
    assert found_in_files(home) == []
    assert found_in_database(home) == []


def test_whoever_asks_is_told_that_the_customer_was_erased(home: Settings) -> None:
    scorer = Scorer.open(home, watch=False)
    product = scorer.recommend(WHO)[0].product_id
    known = scorer.recommend("c2")
    erase(home)
    scorer.refresh()
    asks: list[Any] = [
        lambda: scorer.recommend(WHO),
        lambda: scorer.score(WHO, [product]),
        lambda: scorer.explain(WHO, product),
        lambda: Scorer.open(home, watch=False).recommend(WHO),
        lambda: explain(home, WHO, DAY),
        lambda: erasing.export(home, WHO),
        lambda: goodwill.grant(home, WHO, 1, "EUR", by="maria", why=""),
    ]
    for ask in asks:
        with pytest.raises(ErasedError, match="was erased"):
            ask()
    assert scorer.recommend("c2") == known
    assert [item.product_id for item in scorer.score("c2", [product, "p5"])]


def test_every_array_with_a_row_per_customer_is_known(home: Settings) -> None:
    """Thirty customers and forty products: what has 31 rows has one for each customer and nobody."""
    for folder in (home.home / "bundles").iterdir():
        names = {}
        for path in folder.rglob("*.np[yz]"):
            arrays = np.load(path, allow_pickle=False)
            names |= dict(arrays) if path.suffix == ".npz" else {path.stem: arrays}
        assert {n for n, a in names.items() if len(np.atleast_1d(a)) == 31 and "." not in n} <= set(ROWS)
        begins = {
            n.removesuffix("_indptr") for n, a in names.items() if n.endswith("_indptr") and len(a) == 32
        }
        assert begins <= set(CELLS)


@pytest.mark.parametrize("killed_in", ["erase_quarantine", "erase_nights", "erase_live", "erase_events"])
def test_a_killed_erasure_keeps_them_out_and_can_be_run_again(
    home: Settings, grocer: Path, killed_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"features.erasing.{killed_in}", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(home)
    assert bring_in(home, read_folder(grocer)).rejected["purchases: erased"] > 10
    erase(home)
    assert found_in_files(home) == []
    assert found_in_database(home) == []
    assert erase(home).rows_out == dict.fromkeys(erase(home).rows_out, 0)


def test_no_night_runs_beside_an_erasure(home: Settings) -> None:
    with ThreadPoolExecutor(1) as other, hold(home, "recs"), pytest.raises(LeaseHeldError):
        other.submit(erase, home).result()
    assert found_in_database(home)


def test_only_an_admin_erases_and_exports_and_the_reason_names_nobody(home: Settings, tmp_path: Path) -> None:
    accounts.add(home, "ada", Role.ADMIN, by="ada", password=None)
    accounts.add(home, "ben", Role.APPROVER, by="ada", password=None)
    for ask in (
        lambda: erasing.erase(home, WHO, by="ben", reason="asked"),
        lambda: erasing.export_to(home, WHO, tmp_path / "out.json", by="ben"),
    ):
        with pytest.raises(ForbiddenError, match="role admin"):
            ask()
    for reason in ("", f"{EMAIL} asked", f"{WHO} asked"):
        with pytest.raises(SettingsError, match="the reason stays"):
            erasing.erase(home, WHO, by="ada", reason=reason)
    with pytest.raises(NotFoundError, match="not known"):
        erasing.erase(home, "nobody", by="ada", reason="asked")


def test_an_export_holds_all_that_is_kept(home: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    counted = erasing.export_to(home, WHO, out, by="maria")[WHO]
    assert all(counted.values()), counted
    document = out.read_text()
    assert out.stat().st_mode & 0o077 == 0
    for said in (EMAIL, PHONE, "parcel was wet", f"bank 17 for {WHO}", f"claim {WHO}", "imported_at"):
        assert said in document
    assert '"c2"' not in document
    both = erasing.export(home, WHO, person=True)["accounts"]
    assert [one["customer_id"] for one in both] == [WHO, "c9"]
    assert found_in_database(home)
    with reading(engine_for(home)) as session:
        audit.verify(session)


def test_the_books_can_be_changed_by_an_open_erasure_alone(home: Settings) -> None:
    pseudonym = pseudonym_of(mark_of(home, WHO))
    changes = (
        "UPDATE promises SET customer_id = :p, said = '', why = ''",
        "UPDATE notice_events SET reason = ''",
        "UPDATE promise_events SET why = ''",
    )
    for change in changes:
        with pytest.raises(Exception, match="append-only"), writing(engine_for(home)) as session:
            session.execute(text(change), {"p": pseudonym} if ":p" in change else {})
    erase(home)
    for change in (*changes, "UPDATE postings SET reference = ''", "DELETE FROM promises"):
        with pytest.raises(Exception, match="append-only"), writing(engine_for(home)) as session:
            session.execute(text(change), {"p": pseudonym} if ":p" in change else {})
