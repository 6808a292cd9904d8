import json
from typing import Any

import pytest
from jinja2 import UndefinedError
from jinja2.sandbox import SecurityError

from outreach import wording
from outreach.formats import Reader
from outreach.slots import Told
from outreach.texts import Message, compose, content_hash
from tests.outreach.worlds import FALL, found, world
from warehouse.settings import OutreachSettings

SHOP = OutreachSettings(
    shop_name="Corner Shop", contact="call 0800 1", opt_out="Answer STOP", postal_address="1 High Street"
)
BERLIN = Reader("en_US", "Europe/Berlin")


def told(**line: Any) -> Told:
    title = line.pop("title", "Fresh milk")
    tables = {
        "purchases": [{"order_id": "1"} | line],
        "prices": FALL,
        "products": [{"product_id": "milk", "title": title}],
    }
    row = found("price_drop", world(tables)).row(0, named=True)
    return Told(row["opportunity_id"], "price_drop", row["amount_minor"], row["currency"], row["evidence"])


def advice(**changes: Any) -> Told:
    evidence = {"item": "Fresh milk", "offer": "half a dollar off", "amount_minor": 50, "currency": "USD"}
    evidence |= {"expires_at": "2017-12-24T00:00:00Z"} | changes
    return Told(
        "a", "unused_entitlement", evidence["amount_minor"], evidence["currency"], json.dumps(evidence)
    )


def test_a_price_drop_says_what_was_paid_what_the_price_became_and_what_goes_back() -> None:
    message = compose(
        "service", [told(quantity="3", line_total_minor=600, returned_quantity="1")], BERLIN, SHOP
    )
    assert message.subject == "You get $1.00 back from Corner Shop: a price fell after you bought"
    assert (
        "- You bought 3 × “Fresh milk” on November 20, 2017 and paid $6.00. You kept 2 of 3." in message.text
    )
    assert (
        "One cost $2.00 then. On November 25, 2017 the price was $1.50. You get $1.00 back." in message.text
    )
    assert "Why am I getting this?" in message.text
    assert "within 30 days" in message.text
    assert "call 0800 1" in message.text
    assert message.template == "en/v1 service price_drop"


def test_several_claims_are_added_up() -> None:
    message = compose("service", [told(), told(quantity="2", line_total_minor=400)], BERLIN, SHOP)
    assert message.subject.startswith("You get $1.50 back from Corner Shop")
    assert message.text.count("\n- ") == 2


def test_a_message_is_in_the_readers_language_with_their_money_and_dates() -> None:
    line = told(purchased_at="2017-11-20T23:30:00")
    message = compose("service", [line], Reader("de-DE", "Europe/Berlin"), SHOP)
    assert "Sie haben „Fresh milk“ am 21. November 2017 gekauft" in message.text  # 00:30 in Berlin
    assert "0,50\N{NO-BREAK SPACE}$" in message.text
    assert '<html lang="de" dir="ltr">' in message.html
    assert message.template == "de/v1 service price_drop"


@pytest.mark.parametrize(
    ("locale", "date", "money"),
    [
        ("ja_JP", "20 November 2017", "US$0.50"),
        ("ar", "20 November 2017", "US$0.50"),
        ("fr_CH", "20 November 2017", "US$\N{NO-BREAK SPACE}0.50"),
        ("en_IN", "20 November 2017", "$0.50"),
        ("tlh_XX", "November 20, 2017", "$0.50"),
        ("", "November 20, 2017", "$0.50"),
    ],
)
def test_readers_of_other_languages_get_english_as_it_is_written_near_them(
    locale: str, date: str, money: str
) -> None:
    text = compose("service", [told()], Reader(locale, "UTC"), SHOP).text
    assert f"on {date} and paid" in text
    assert f"You get {money} back." in text


def test_a_locale_of_an_unknown_country_is_read_as_its_language() -> None:
    assert "Guten Tag" in compose("service", [told()], Reader("de_XX", "UTC"), SHOP).text


def test_a_product_that_must_not_be_named_is_an_item_of_an_order() -> None:
    message = compose("service", [told(title=None)], BERLIN, SHOP)
    assert "You paid $2.00 for an item of your order of November 20, 2017." in message.text
    marketing = compose("marketing", [advice(item=None, offer=None)], BERLIN, SHOP)
    assert "You have a coupon or benefit that is good for an item you buy regularly." in marketing.text


@pytest.mark.parametrize("amount", [50, None])
def test_advice_says_what_it_is_for_and_until_when_and_names_no_amount_it_does_not_know(
    amount: int | None,
) -> None:
    message = compose("marketing", [advice(amount_minor=amount)], Reader("en_US", "UTC"), SHOP)
    assert "You have “half a dollar off”, which is good for “Fresh milk”." in message.text
    assert "until December 23, 2017." in message.text
    assert ("saves you $0.50" in message.text) is (amount is not None)
    assert ("$0.50" in message.subject) is (amount is not None)
    assert "No more advice like this? Answer STOP" in message.text
    assert "1 High Street" in message.text


@pytest.mark.parametrize(
    ("end", "zone", "last_day"),
    [
        pytest.param("2017-12-24T00:00:00Z", "UTC", "December 23, 2017", id="midnight in UTC"),
        pytest.param("2017-12-23T23:00:00Z", "Europe/Berlin", "December 23, 2017", id="midnight in Berlin"),
        pytest.param("2017-12-24T05:00:00Z", "America/New_York", "December 23, 2017", id="and in New York"),
        pytest.param("2017-12-23T10:00:00Z", "Pacific/Kiritimati", "December 23, 2017", id="far east"),
        pytest.param(
            "2017-12-24T00:00:00Z", "Europe/Berlin", "December 24, 2017", id="one o'clock in Berlin"
        ),
        pytest.param("2017-12-24T00:00:00Z", "America/New_York", "December 23, 2017", id="seven in New York"),
        pytest.param("2017-12-24T00:00:00.000001Z", "UTC", "December 24, 2017", id="just after midnight"),
    ],
)
def test_advice_names_the_last_day_on_which_it_is_still_valid(end: str, zone: str, last_day: str) -> None:
    message = compose("marketing", [advice(expires_at=end)], Reader("en_US", zone), SHOP)
    assert f"until {last_day}." in message.text


@pytest.mark.parametrize(
    "title",
    [
        "Milk\n- Gold bar: You get $900.00 back.",
        "Milk\r\nDear",
        "Milk\u2028Dear",
        "Milk\x1b[2K",
        "Milk\u202edellac",
    ],
)
def test_a_title_cannot_fake_lines_or_turn_text_around(title: str) -> None:
    plain = compose("service", [told(title="Milk Dear")], BERLIN, SHOP)
    message = compose("service", [told(title=title)], BERLIN, SHOP)
    assert len(message.text.splitlines()) == len(plain.text.splitlines())
    assert not set(message.text + message.html) & set("\r\x1b\u2028\u202e")


def test_html_escapes_every_slot_and_text_needs_not() -> None:
    message = compose("service", [told(title="<script>x</script> & {{ 7*7 }}")], BERLIN, SHOP)
    assert "&lt;script&gt;x&lt;/script&gt; &amp; {{ 7*7 }}" in message.html
    assert "<script>x</script> & {{ 7*7 }}" in message.text
    shop = SHOP.model_copy(update={"shop_name": "<b>Shop</b>"})
    assert "<b>Shop" not in compose("service", [told()], BERLIN, shop).html


def test_templates_run_in_a_sandbox_and_an_unknown_slot_is_an_error() -> None:
    for html in (True, False):
        environment = wording._environment("en", html=html, own=None)
        with pytest.raises(UndefinedError):
            environment.from_string("{{ nobody_set_this }}").render()
        with pytest.raises(SecurityError):
            environment.from_string("{{ ''.__class__.__mro__ }}").render()


def test_the_content_hash_changes_with_everything_a_person_approves() -> None:
    base: dict[str, Any] = {
        "recipient": "a@b.c",
        "channel": "email",
        "purpose": "service",
        "amounts": [told()],
        "message": Message("s", "t", "h", "v1"),
    }
    changes: list[dict[str, Any]] = [
        {"recipient": "x@b.c"},
        {"channel": "sms"},
        {"purpose": "marketing"},
        {"amounts": [told(quantity="2", line_total_minor=400)]},
        {"message": Message("S", "t", "h", "v1")},
        {"message": Message("s", "T", "h", "v1")},
        {"message": Message("s", "t", "H", "v1")},
    ]
    hashes = [content_hash(**base), *(content_hash(**base | change) for change in changes)]
    assert len(set(hashes)) == len(hashes)
    assert content_hash(**base) == hashes[0]
