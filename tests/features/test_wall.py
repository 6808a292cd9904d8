"""The wall: what breaks the contract is refused with its reasons; nothing else is, and nothing leaks in."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import CONTRACTS, Purchases
from features.wall import Admitted, admit
from tests.conftest import at
from warehouse.errors import FeedError

NOW = at("2018-01-01")
GOOD: dict[str, Any] = {
    "order_id": "o1", "line_id": "1", "customer_id": "c1", "product_id": "p1", "quantity": "2",
    "unit_price": "1.50", "currency": "EUR", "purchased_at": "2017-11-30 12:00:00",
}  # fmt: skip
TOTAL = {name: value for name, value in GOOD.items() if name != "unit_price"} | {"line_total": "3.00"}
NEEDED = ("order_id", "customer_id", "product_id", "quantity", "currency", "purchased_at")
HUGE = {"quantity": "999999999999", "unit_price": "-999999999999"}
NOT_WHOLE = "not an amount in whole minor units"


def lines(*changes: dict[str, Any], base: dict[str, Any] = GOOD) -> pl.DataFrame:
    """Purchases that are good but for the changes, each with a line id of its own."""
    return pl.DataFrame(
        [base | {"line_id": str(number)} | change for number, change in enumerate(changes, 1)],
        infer_schema_length=None,
    )


def through(frame: pl.DataFrame, table: str = "purchases", zone: str = "UTC") -> Admitted:
    return admit(table, frame.lazy(), now=NOW, zone=zone)


def reasons(frame: pl.DataFrame, table: str = "purchases", zone: str = "UTC") -> list[str]:
    """Why the only row was refused."""
    result = through(frame, table, zone)
    assert result.rows.is_empty(), "nothing was wrong with it"
    found: list[str] = result.quarantined["reasons"].item().to_list()
    return found


def column(frame: pl.DataFrame, name: str, zone: str = "UTC") -> list[Any]:
    """What a column became; every row must have been taken."""
    result = through(frame, zone=zone)
    assert result.reasons == {}
    return result.rows.sort("line_id")[name].to_list()


def test_a_good_line_comes_in_as_the_contract_says() -> None:
    result = through(lines({}))
    assert result.rows.row(0, named=True) == {
        "order_id": "o1", "line_id": "1", "customer_id": "c1", "product_id": "p1",
        "quantity": Decimal(2), "line_total_minor": 300, "currency": "EUR",
        "purchased_at": at("2017-11-30 12:00"), "kind": "product", "market": "default",
    }  # fmt: skip
    assert (result.rows_in, result.copies, result.reasons) == (1, 0, {})


@pytest.mark.parametrize("missing", ["order_id", "customer_id", "quantity", "currency", "purchased_at"])
def test_a_required_column_that_is_missing_is_an_error_that_names_it(missing: str) -> None:
    with pytest.raises(
        FeedError, match=f"purchases: the column {missing} is missing; the file has (order_id|line_id)"
    ):
        through(lines({}).drop(missing))


def test_a_line_needs_a_unit_price_or_a_total() -> None:
    with pytest.raises(FeedError, match="the column line_total or unit_price is missing"):
        through(lines({}).drop("unit_price"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(({name: blank}, f"{name}: missing") for name in NEEDED for blank in (None, "", "  ")),
        ({"quantity": "0"}, "quantity: too small"),
        ({"quantity": "0.000"}, "quantity: too small"),
        ({"quantity": "-1", "unit_price": "0"}, "quantity: too small"),
        ({"quantity": "two"}, "quantity: unreadable"),
        ({"quantity": "1e3"}, "quantity: unreadable"),
        ({"quantity": "1,5"}, "quantity: unreadable"),
        ({"quantity": "1.0000001"}, "quantity: unreadable"),
        ({"quantity": "NaN"}, "quantity: unreadable"),
        ({"quantity": "Infinity"}, "quantity: unreadable"),
        ({"quantity": "1000000000000"}, "quantity: unreadable"),
        ({"quantity": "9" * 40}, "quantity: unreadable"),
        ({"unit_price": "-0.01"}, "line_total: too small"),
        ({"unit_price": ""}, "line_total: missing"),
        ({"unit_price": "€1.50"}, f"unit_price: {NOT_WHOLE}"),
        ({"unit_price": "1.5e0"}, f"unit_price: {NOT_WHOLE}"),
        ({"unit_price": "0.333"}, f"unit_price: {NOT_WHOLE}"),
        ({"quantity": "0.5", "unit_price": "0.01"}, f"unit_price: {NOT_WHOLE}"),
        ({"quantity": "999999999999", "unit_price": "999999999999"}, f"unit_price: {NOT_WHOLE}"),
        (HUGE, f"unit_price: {NOT_WHOLE}"),
        (HUGE | {"currency": "BHD"}, f"unit_price: {NOT_WHOLE}"),
        ({"currency": "XYZ"}, "currency: unreadable"),
        ({"currency": "eur"}, "currency: unreadable"),
        ({"currency": "XAU"}, "currency: unreadable"),
        ({"currency": "JPY", "quantity": "1"}, f"unit_price: {NOT_WHOLE}"),
        ({"purchased_at": "2018-01-02 00:00:01"}, "purchased_at: in the future"),
        ({"purchased_at": "9999-12-31"}, "purchased_at: in the future"),
        ({"purchased_at": "30.11.2017"}, "purchased_at: unreadable"),
        ({"purchased_at": "2017-02-29"}, "purchased_at: unreadable"),
        ({"purchased_at": "2017-11-30 25:00"}, "purchased_at: unreadable"),
        ({"purchased_at": "2017-11-30 12:00 CET"}, "purchased_at: unreadable"),
        ({"purchased_at": "2017-11-30 12:00 Europe/Berlin"}, "purchased_at: unreadable"),
        ({"purchased_at": "1512043200"}, "purchased_at: unreadable"),
        ({"order_id": "a\x00b"}, "order_id: has control characters"),
        ({"customer_id": "a\nb"}, "customer_id: has control characters"),
        ({"product_id": "a\x7f"}, "product_id: has control characters"),
        ({"product_id": "p" * 129}, "product_id: too long"),
        ({"kind": "gift"}, "kind: not one of the known words"),
        ({"kind": "Product"}, "kind: not one of the known words"),
        ({"returned_quantity": "3"}, "returned no more than bought"),
        ({"returned_quantity": "-1"}, "returned_quantity: too small"),
        ({"delivered_at": "2018-01-03"}, "delivered_at: in the future"),
        ({"dispatched_at": "soon"}, "dispatched_at: unreadable"),
    ],
)  # fmt: skip
def test_a_line_that_breaks_the_contract_is_refused_for_that_one_reason(
    change: dict[str, Any], reason: str
) -> None:
    assert reasons(lines(change)) == [reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"line_total": ""}, "line_total: missing"),
        ({"line_total": "-0.01"}, "line_total: too small"),
        ({"line_total": "1.001"}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": "1000000000000"}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": "3.5", "currency": "JPY"}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": "x", "unit_price": "1.50"}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": "1.0001", "unit_price": "1.50"}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": 0.1 + 0.2}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": float("inf")}, f"line_total: {NOT_WHOLE}"),
        ({"line_total": float("nan")}, "line_total: missing"),
    ],
)
def test_a_total_that_breaks_the_contract_is_refused_for_that_one_reason(
    change: dict[str, Any], reason: str
) -> None:
    assert reasons(lines(change, base=TOTAL)) == [reason]


def test_a_line_with_several_faults_has_them_all_told() -> None:
    refused = reasons(lines({"quantity": "x", "currency": "", "purchased_at": "2019-01-01"}))
    assert refused == ["currency: missing", "purchased_at: in the future", "quantity: unreadable"]


def test_a_refused_line_keeps_its_raw_values_and_leaves_the_good_ones_alone() -> None:
    result = through(lines({}, {"quantity": "two", "remark": "not of the contract"}, {}))
    assert result.rows["line_id"].to_list() == ["1", "3"]
    assert result.quarantined.row(0, named=True) == GOOD | {
        "line_id": "2", "quantity": "two", "reasons": ["quantity: unreadable"],
    }  # fmt: skip
    assert result.reasons == {"quantity: unreadable": 1}


@pytest.mark.parametrize(
    ("quantity", "price", "currency", "minor"),
    [
        ("2", "1.50", "EUR", 300), ("3", "100", "JPY", 300), ("1", "1.234", "BHD", 1234),
        ("2", "0", "EUR", 0),
        ("0.5", "0.02", "EUR", 1), ("0.333", "1000", "EUR", 33_300), ("+2", " 1.5 ", "EUR", 300),
        ("2", "1.5000000000", "EUR", 300), ("2", ".5", "EUR", 100), ("2", "1.", "EUR", 200),
        ("1", "99999999999.99", "EUR", 9_999_999_999_999), ("89638", "0.00", "USD", 0),
        ("1", "0.1250", "CLF", 1250), ("0.000001", "10000", "EUR", 1),
    ],
)  # fmt: skip
def test_quantity_times_price_is_exact_in_minor_units(
    quantity: str, price: str, currency: str, minor: int
) -> None:
    change = {"quantity": quantity, "unit_price": price, "currency": currency}
    assert column(lines(change), "line_total_minor") == [minor]


@pytest.mark.parametrize(
    ("price", "minor"), [(0.1, 20), (1.1, 220), (2.675, 535), (1e-2, 2), (1234567.89, 246_913_578), (3, 600)]
)
def test_a_float_is_read_as_its_shortest_decimal_text(price: float, minor: int) -> None:
    assert column(lines({"unit_price": price}), "line_total_minor") == [minor]


def test_the_total_is_the_truth_where_it_is_given_and_the_price_where_not() -> None:
    frame = lines({"line_total": "2.99", "unit_price": "7.77"}, {"line_total": None}, {"line_total": "0"})
    assert column(frame, "line_total_minor") == [299, 300, 0]
    assert column(lines({"line_total": "2.99", "unit_price": "junk"}), "line_total_minor") == [299]


@pytest.mark.parametrize(
    "identifier", ["00123", "ü-ß-日本", "🧦", "a b", " 1", "p" * 128, "1e5", "NULL", "=1+1", "𝟘", "1.0"]
)
def test_an_id_is_kept_to_the_letter(identifier: str) -> None:
    assert column(lines({"product_id": identifier}), "product_id") == [identifier]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (pl.Series([123], dtype=pl.Int16), ["123"]),
        (pl.Series([2**63 + 5], dtype=pl.UInt64), ["9223372036854775813"]),
        (pl.Series([123.0]), ["123"]),
        (pl.Series(["a"], dtype=pl.Categorical), ["a"]),
        (pl.Series(["a"], dtype=pl.Enum(["a", "b"])), ["a"]),
        (pl.Series([Decimal("123")], dtype=pl.Decimal(10, 0)), ["123"]),
        (pl.Series([date(2017, 1, 2)]), ["2017-01-02"]),
    ],
)
def test_an_id_may_come_as_another_plain_type(values: pl.Series, ids: list[str]) -> None:
    assert column(lines({}).with_columns(customer_id=values), "customer_id") == ids


@pytest.mark.parametrize("value", [1.5, 2.0**53, -(2.0**60), float("inf")])
def test_a_float_that_may_have_been_another_id_is_refused(value: float) -> None:
    assert reasons(lines({}).with_columns(customer_id=pl.Series([value]))) == ["customer_id: unreadable"]


@pytest.mark.parametrize("values", [[["a"]], [{"a": 1}], [b"a"]])
def test_a_column_of_lists_structures_or_bytes_is_an_error_that_names_it(values: list[Any]) -> None:
    with pytest.raises(FeedError, match=r"purchases: the column customer_id has the type .* plain values"):
        through(lines({}).with_columns(customer_id=pl.Series(values)))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2017-11-30", "2017-11-30 00:00"), ("2017-11-30 12:34", "2017-11-30 12:34"),
        ("2017-11-30T12:34:56", "2017-11-30 12:34:56"),
        ("2017-11-30T12:34:56.5", "2017-11-30 12:34:56.500000"),
        ("2017-11-30T12:34:56Z", "2017-11-30 12:34:56"), ("2017-11-30T12:34z", "2017-11-30 12:34"),
        ("2017-11-30T12:34:56.123456789Z", "2017-11-30 12:34:56.123456"),
        ("2017-11-30 12:34:56+00", "2017-11-30 12:34:56"), ("2017-11-30 12:34:56 +01", "2017-11-30 11:34:56"),
        ("2017-11-30 12:34:56+01:00", "2017-11-30 11:34:56"), ("2017-11-30 12:34-0330", "2017-11-30 16:04"),
        ("2017-11-30T23:00:00-05:00", "2017-12-01 04:00"), (" 2017-11-30 ", "2017-11-30 00:00"),
    ],
)  # fmt: skip
def test_moments_become_utc_however_iso_8601_writes_them(text: str, utc: str) -> None:
    assert column(lines({"purchased_at": text}), "purchased_at") == [at(utc)]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2017-07-01 12:00", "2017-07-01 10:00"),
        ("2017-12-01 12:00", "2017-12-01 11:00"),
        ("2017-10-29 02:30", "2017-10-29 00:30"),  # twice on that night; the earlier is meant
        ("2017-07-01T12:00Z", "2017-07-01 12:00"),
    ],
)
def test_moments_without_a_zone_are_read_in_that_of_the_feed(local: str, utc: str) -> None:
    assert column(lines({"purchased_at": local}), "purchased_at", "Europe/Berlin") == [at(utc)]
    if "Z" not in local:
        typed = lines({}).with_columns(purchased_at=pl.Series([at(local).replace(tzinfo=None)]))
        assert column(typed, "purchased_at", "Europe/Berlin") == [at(utc)]


def test_local_times_that_do_not_exist_are_refused() -> None:
    skipped = lines({"purchased_at": "2017-03-26 02:30"})
    assert reasons(skipped, zone="Europe/Berlin") == ["purchased_at: unreadable"]
    assert through(skipped).reasons == {}


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(["2017-11-30 12:00"]).str.to_datetime(time_unit="ns"),
        pl.Series(["2017-11-30 12:00"]).str.to_datetime(time_unit="ms"),
        pl.Series([at("2017-11-30 12:00")]).dt.convert_time_zone("Asia/Tokyo"),
    ],
)
def test_typed_moments_of_any_unit_and_zone_are_the_same_moment(values: pl.Series) -> None:
    assert column(lines({}).with_columns(purchased_at=values), "purchased_at") == [at("2017-11-30 12:00")]


def test_an_observed_event_may_be_a_day_ahead_of_the_clock_and_a_promise_any_time() -> None:
    frame = lines({"purchased_at": NOW + timedelta(days=1), "promised_at": NOW + timedelta(days=90)})
    assert through(frame).reasons == {}


def test_exact_copies_count_once_however_they_are_written() -> None:
    frame = lines({}, {"line_id": "1", "quantity": "2.0", "unit_price": "1.5"}, {"line_id": "1"})
    result = through(frame)
    assert (result.rows.height, result.copies, result.reasons) == (1, 2, {})


def test_exact_copies_of_a_bad_line_are_one_bad_line() -> None:
    result = through(lines({"quantity": "x"}, {"quantity": "x", "line_id": "1"}))
    assert (result.quarantined.height, result.copies) == (1, 1)
    assert result.reasons == {"quantity: unreadable": 1}


def test_one_key_with_different_content_is_refused_in_all_copies() -> None:
    result = through(lines({}, {"line_id": "1", "quantity": "3"}, {"line_id": "1"}, {}))
    assert result.rows["line_id"].to_list() == ["4"]
    assert result.reasons == {"same key, different content": 2}
    assert result.copies == 1


def test_a_good_line_is_refused_too_where_another_of_its_key_cannot_be_read() -> None:
    result = through(lines({}, {"line_id": "1", "quantity": "x"}))
    assert result.rows.is_empty()
    assert result.reasons == {"same key, different content": 2, "quantity: unreadable": 1}


@pytest.mark.parametrize("name", ["row_number", "reasons", "index", "advocate"])
def test_a_column_the_contract_does_not_know_is_left_alone(name: str) -> None:
    result = through(lines({name: "7"}, {name: "8", "quantity": "0"}))
    assert result.rows.height == 1
    assert result.quarantined["reasons"].to_list() == [["quantity: too small"]]
    assert name not in result.rows.columns


def test_optional_columns_that_are_absent_stay_unknown_and_those_with_a_default_get_it() -> None:
    frame = through(lines({"kind": "fee"}, {"kind": ""})).rows
    assert frame["kind"].to_list() == ["fee", "product"]
    assert not {"promised_at", "dispatched_at", "delivered_at", "returned_quantity", "offer_id"} & set(
        frame.columns
    )


# What always holds -----------------------------------------------------------------------------

_odd = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "0", "-1", "1e3", "NaN", "1.005", "2017-11-30", "JPY", "00123", "9" * 30]),
    st.text(max_size=6),
    st.decimals(-10, 10**13, places=3).map(str),
)  # fmt: skip
_lines = st.lists(
    st.fixed_dictionaries(
        {
            name: st.one_of(st.just(value), _odd) if name != "line_id" else st.sampled_from("123")
            for name, value in GOOD.items()
        },
        optional={"line_total": _odd, "kind": _odd, "returned_quantity": _odd, "delivered_at": _odd},
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)  # the machine may be busy
@given(_lines)
def test_whatever_the_text_admitted_rows_keep_the_contract_and_every_row_is_accounted_for(
    given_lines: list[dict[str, str | None]],
) -> None:
    names = {name for line in given_lines for name in line}
    frame = pl.DataFrame(given_lines, schema=dict.fromkeys(sorted(names), pl.String))
    result = through(frame)
    assert (
        result.rows_in == len(given_lines) == result.rows.height + result.quarantined.height + result.copies
    )
    assert result.quarantined["reasons"].list.len().min() != 0
    assert sum(result.reasons.values()) == result.quarantined["reasons"].list.len().sum()
    unknown = {n: pl.lit(None, dtype=t) for n, t in CONTRACTS["purchases"].table.schema.items()}
    filled = result.rows.with_columns(**{n: e for n, e in unknown.items() if n not in result.rows.columns})
    Purchases.validate(filled.select(list(unknown)))
    assert not filled.filter(pl.col("purchased_at") > NOW + timedelta(days=1)).height
