"""A night sees all customers and products known by the end of its day, and nothing later."""

from datetime import timedelta
from pathlib import Path

from features.steps import build_features
from outreach.choices import choose
from recs.world import load
from tests.conftest import at, copy_of
from tests.recs.worlds import DAY, fill, purchase
from warehouse.settings import Settings


def test_rows_are_all_known_customers_and_one_for_nobody(settings: Settings) -> None:
    accounts = [
        {"customer_id": "a", "created_at": None},
        {"customer_id": "z", "created_at": at("2017-11-30")},
    ]
    unborn = {"customer_id": "m", "created_at": at("2017-12-01")}
    fill(settings, purchases=[purchase("k", "tea", "2017-11-30")], customers=[*accounts, unborn])
    world = load(settings, DAY)
    assert world.interactions.customers.to_list() == ["a", "k", "z"]
    assert world.interactions.counts.toarray().tolist() == [[0], [1], [0], [0]]
    assert world.nobody == 3


def test_products_that_the_table_does_not_have_are_called_by_their_id(settings: Settings) -> None:
    fill(settings, purchases=[purchase("a", "tea", "2017-11-30"), purchase("b", "tea", "2017-11-01")])
    assert load(settings, DAY).catalogue.select("product_id", "title", "category", "sensitive").rows() == [
        ("tea", "tea", None, False)
    ]


def test_a_product_is_sensitive_when_marked_or_by_its_words(settings: Settings) -> None:
    fill(
        settings,
        purchases=[purchase("a", p, "2017-11-01") for p in ("ale", "cola", "pills", "wine")],
        products=[
            {"product_id": "ale", "category": "BEERS/ALES", "sensitive": None, "available": True},
            {"product_id": "cola", "category": "drinks", "sensitive": None, "available": True},
            {"product_id": "pills", "category": "sweets", "sensitive": True, "available": True},
            {"product_id": "wine", "category": "wine gums", "sensitive": False, "available": True},
        ],
    )
    assert load(settings, DAY).catalogue["sensitive"].to_list() == [True, False, True, False]


def test_a_customers_own_market_counts_before_where_they_buy(settings: Settings) -> None:
    off = {"product_id": "tea", "market": "north", "effective_at": at("2017-11-01"), "available": False}
    fill(
        settings,
        purchases=[purchase(c, "tea", "2017-11-01", market="north") for c in "ab"],
        customers=[{"customer_id": "b", "market": "south"}, {"customer_id": "c", "market": None}],
        availability=[off],
    )
    allowed = {}
    for rows, mask in load(settings, DAY).available.masks():
        allowed |= dict.fromkeys(rows.tolist(), mask.tolist())
    assert allowed == {0: [False], 1: [True], 2: [False], 3: [False]}


def test_the_data_hash_follows_the_data_and_nothing_else(settings: Settings) -> None:
    fill(settings, purchases=[purchase("a", "tea", "2017-11-01")])
    first = load(settings, DAY).data_hash
    assert load(settings, DAY).data_hash == first
    fill(settings, purchases=[purchase("a", "tea", "2017-11-02", order_id="new")])
    assert load(settings, DAY).data_hash != first


def test_later_availability_is_not_known_yet(settings: Settings) -> None:
    later = at("2017-12-01") + timedelta(hours=1)
    fill(
        settings,
        purchases=[purchase("a", "tea", "2017-11-01")],
        availability=[{"product_id": "tea", "market": "default", "effective_at": later, "available": False}],
    )
    masks = [mask.tolist() for _, mask in load(settings, DAY).available.masks()]
    assert all(mask == [True] for mask in masks)


def test_a_look_by_somebody_whose_account_came_later_is_left_out(settings: Settings) -> None:
    looks = [
        {
            "view_id": f"v{n}",
            "customer_id": c,
            "product_id": "tea",
            "kind": "view",
            "viewed_at": at("2017-11-30"),
        }
        for n, c in enumerate(("a", "late"))
    ]
    late = {"customer_id": "late", "created_at": at("2017-12-01")}
    fill(settings, purchases=[purchase("a", "tea", "2017-11-01")], customers=[late], views=looks)
    assert load(settings, DAY).history.views["row"].to_list() == [0]


def test_what_was_paid_in_another_currency_than_most_is_no_price(settings: Settings) -> None:
    paid = [(100, "EUR"), (110, "EUR"), (15_000, "JPY")]
    lines = [
        purchase("a", "tea", f"2017-11-0{n + 1}", order_id=f"o{n}", line_total_minor=minor, currency=currency)
        for n, (minor, currency) in enumerate(paid)
    ]
    fill(settings, purchases=lines)
    assert load(settings, DAY).history.lines["unit_minor"].to_list() == [100, 110, None]


def test_who_withdraws_personalisation_at_their_own_link_is_impersonal(
    settings: Settings, tmp_path: Path
) -> None:
    fill(settings, purchases=[purchase(c, "tea", "2017-11-01") for c in "ab"])
    other = copy_of(settings, tmp_path / "other")
    choose(other, "a", {"personalisation": "off"}, None, at("2017-11-30 12:00"))
    before, after = load(settings, DAY), load(other, DAY)
    assert before.shop.impersonal.tolist() == [False, False, False]
    assert after.shop.impersonal.tolist() == [True, False, False]
    assert after.data_hash != before.data_hash  # though both have the same lake


def test_what_is_withdrawn_after_the_day_counts_from_the_next_one_on(settings: Settings) -> None:
    fill(settings, purchases=[purchase("a", "tea", "2017-11-01")])
    choose(settings, "a", {"personalisation": "off"}, None, at("2017-12-01"))
    assert load(settings, DAY).shop.impersonal.tolist() == [False, False]
    next_day = DAY + timedelta(days=1)
    build_features(settings, next_day)
    assert load(settings, next_day).shop.impersonal.tolist() == [True, False]
