"""What messages say, whoever reads them and whatever things are called."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.money import EXPONENTS
from outreach.finders import FINDERS
from outreach.formats import Reader
from outreach.linting.pages import text_of
from outreach.linting.specimens import REFERENCE, SHOP, Specimen, specimens
from outreach.slots import TOPICS, Told, topic_of
from outreach.texts import Message, compose
from outreach.wording import FRAMES

LOCALES = ("en_US", "de_DE", "fr_CH", "ar", "ja_JP", "en_IN", "de_AT")
ZONES = ("UTC", "Pacific/Kiritimati", "America/New_York", "Asia/Kolkata")
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
EVERY = [one for some in specimens().values() for one in some]
AMERICAN = Reader("en_US", "UTC")
HOSTILE = [
    pytest.param("<b>Milk</b><script>alert(1)</script>", id="HTML"),
    pytest.param('"><img src=https://evil.example/p.png onerror=x>', id="an attribute's end"),
    pytest.param("Milk\n- Gold: You get $900.00 back.", id="a line"),
    pytest.param("Milk\r\n\r\nDear", id="a paragraph"),
    pytest.param("Milk\u2028Dear\u2029\x85\x0b", id="Unicode's lines"),
    pytest.param("Milk\x00\x07\x1b[2K", id="control characters"),
    pytest.param("\u202egnihtemos \u2066x\u200f", id="right-to-left override"),
    pytest.param("{{ 7 * 7 }}{% for x in y %}{# c #}", id="Jinja"),
    pytest.param("M" * 4000, id="4,000 letters"),
    pytest.param("🥛👩\u200d👩\u200d👧", id="emoji"),
    pytest.param("חלב טרי", id="Hebrew"),
    pytest.param("&lt;b&gt; &amp;amp;", id="entities"),
    pytest.param("   ", id="nothing"),
]
every_specimen = pytest.mark.parametrize("one", EVERY, ids=lambda one: one.topic)


def written(one: Specimen, reader: Reader = AMERICAN, **evidence: Any) -> Message:
    told = one.told
    changed = json.loads(told.evidence) | evidence
    fields = (told.opportunity_id, told.kind, told.amount_minor, changed["currency"], json.dumps(changed))
    return compose(TOPICS[one.topic].purpose, [Told(*fields, told.reference)], reader, SHOP)


def of(topic: str, place: int = 0) -> Specimen:
    return specimens()[topic][place]


def test_every_kind_that_money_or_advice_comes_from_has_words() -> None:
    told = {kind for kind, finder in FINDERS.items() if finder.told}
    assert told | {"follow_up"} == {topic.kind for topic in TOPICS.values()}
    assert {one.topic for one in EVERY} == set(TOPICS)


@every_specimen
def test_evidence_leads_to_the_topic_it_is_a_specimen_of(one: Specimen) -> None:
    assert topic_of(one.told) == one.topic


def test_nobody_is_written_to_about_recurring_trouble() -> None:
    with pytest.raises(KeyError, match="nobody is written to"):
        topic_of(Told("a", "recurring_trouble", None, None, "{}"))


@pytest.mark.parametrize("title", HOSTILE)
@every_specimen
def test_a_hostile_title_is_words_and_nothing_else(one: Specimen, title: str) -> None:
    names = [name for name in ("item", "offer", "other_item") if name in json.loads(one.told.evidence)]
    plain = written(one, **dict.fromkeys(names, "Milk"))
    nameless = written(one, **dict.fromkeys(names))
    message = written(one, **dict.fromkeys(names, title))
    assert len(message.text.splitlines()) == len(plain.text.splitlines())
    tags = re.findall(r"<[^>]+>", message.html)
    assert tags in (re.findall(r"<[^>]+>", plain.html), re.findall(r"<[^>]+>", nameless.html))
    assert not set(message.text + message.html) & set("\x00\x07\x1b\r\x0b\x85\u2028\u2029\u202e\u2066\u200f")
    assert len(message.text) < 2000
    assert "49" not in message.text.replace("4.99", "")


def test_a_title_that_runs_from_right_to_left_does_not_move_what_stands_around_it() -> None:
    assert "“\u2068חלב טרי\u2069”" in written(of("price_drop"), item="חלב טרי").text


def test_emoji_of_several_people_stay_together() -> None:
    assert "👩\u200d👩\u200d👧" in written(of("price_drop"), item="👩\u200d👩\u200d👧").text


def test_a_long_title_ends_in_an_ellipsis() -> None:
    assert f"“{'M' * 119}…”" in written(of("price_drop"), item="M" * 4000).text


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("locale", LOCALES)
@every_specimen
def test_everybody_can_read_every_message(one: Specimen, locale: str, zone: str) -> None:
    message = written(one, Reader(locale, zone))
    assert message.subject
    assert not re.search(r"None|\{|\}|  \S|\(\)|“”|„“", message.text.replace("\n  ", "\n"))
    assert message.html.count("<h2 ") == 1


@given(
    one=st.sampled_from(EVERY),
    locale=st.sampled_from(LOCALES),
    currency=st.sampled_from(CURRENCIES),
    minor=st.integers(1, 10**9),
    promised=st.integers(0, 10**6),
)
def test_every_amount_in_a_message_is_one_of_its_evidence(
    one: Specimen, locale: str, currency: str, minor: int, promised: int
) -> None:
    evidence = {"currency": currency, "amount_minor": minor, "already_promised_minor": promised}
    changed = json.loads(one.told.evidence) | evidence
    told = Told("a", one.told.kind, minor, currency, json.dumps(changed), REFERENCE)
    message = compose(TOPICS[one.topic].purpose, [told], Reader(locale, "UTC"), SHOP)
    language = message.template.partition("/")[0]
    reader = Reader(locale, "UTC").in_language(language)
    known = {
        reader.money(value, currency) for name, value in changed.items() if name.endswith("_minor") and value
    }
    prices = [value for name, value in changed.items() if "price" in name and name[-3:] not in ("til", "rom")]
    known |= {reader.price(value, currency) for value in prices if isinstance(value, str)}
    for text in (message.subject, message.text, text_of(message.html)):
        left = text
        for amount in sorted(known, key=len, reverse=True):
            left = left.replace(amount, " ")
        symbol = re.escape(re.sub(r"[\d.,\s’]", "", reader.money(1, currency)))
        assert not re.search(rf"{symbol}\s?\d|\d\s?{symbol}", left)


def test_yen_have_no_hundredths_and_dinars_thousandths() -> None:
    assert (EXPONENTS["JPY"], EXPONENTS["KWD"]) == (0, 3)
    assert "You get ¥150 back." in written(of("price_drop"), currency="JPY").text
    assert "You get KWD\N{NO-BREAK SPACE}0.150 back." in written(of("price_drop"), currency="KWD").text


@pytest.mark.parametrize(
    ("locale", "failures", "words"),
    [
        ("en_US", 1, "You tried it once."),
        ("en_US", 2, "You tried it 2 times."),
        ("de_DE", 1, "Sie haben es einmal versucht."),
        ("de_DE", 12, "Sie haben es 12 Mal versucht."),
    ],
)
def test_numbers_take_their_plural(locale: str, failures: int, words: str) -> None:
    assert words in written(of("failed_experience_plays"), Reader(locale, "UTC"), failures=failures).text


def test_one_day_of_protection_is_a_day() -> None:
    shop = SHOP.model_copy(update={"protection_days": 1})
    message = compose("service", [of("price_drop").told], AMERICAN, shop)
    assert "its price fell within a day." in message.text


def test_money_given_back_and_money_in_hand_are_told_apart() -> None:
    drop, credit = of("price_drop").told, of("unused_entitlement_credit").told
    both = compose("service", [drop, credit], AMERICAN, SHOP)
    assert both.subject == "You get $1.50 back from Corner Shop, and have $5.00 left"
    assert "you get $1.50 back from us, and you need not do anything for it" in both.text
    assert "Besides, you have $5.00 left with us." in both.text
    alone = compose("service", [credit], AMERICAN, SHOP)
    assert (
        "You have $5.00 left on your gift card “Christmas card”. You can use it until December 23, 2017."
        in alone.text
    )
    assert "back" not in alone.text


def test_what_was_promised_before_is_said_beside_what_comes_on_top() -> None:
    text = written(of("price_drop", 1)).text
    assert "We promised you $0.50 of it before, and now you get another $3.00 back." in text


def test_a_parcel_that_is_still_on_its_way_is_not_said_to_be_lost() -> None:
    assert "as far as we know it has not arrived yet" in written(of("late_delivery", 1)).text


def test_a_look_is_told_as_what_it_was_and_can_be_switched_off() -> None:
    text = written(of("watched_price_drop")).text
    assert "You had looked at “A lamp” on November 12, 2017." in text
    assert "Our shop keeps what you look at" in text
    assert "switch it off below" in text
    assert "into your basket" in written(of("watched_price_drop"), look="cart").text


def test_the_same_thing_under_the_same_name_is_not_told_as_if_it_had_another() -> None:
    assert "“Acme rice” (a large bag) is the same thing for $3.99" in written(of("cheaper_same")).text
    alike = written(of("cheaper_same", 1)).text
    assert "for $2.60. Another product of the same name and size costs $2.40." in alike


def test_what_costs_as_much_as_then_saves_nothing() -> None:
    message = written(of("back_in_stock_cheaper", 1))
    assert "at the same price: $20.00." in message.text
    assert "$0.00" not in message.text


def test_a_follow_up_asks_without_promising_money_again() -> None:
    message = written(of("follow_up"))
    assert message.subject == "Did that solve it? A question from Corner Shop"
    assert "on November 26, 2017 we paid you $4.99 back." in message.text
    assert "You get" not in message.text
    assert "Reference 3F9A-61C2-0B7D" in message.text


def test_what_is_owed_to_those_who_cannot_be_told_says_so_to_the_reviewer() -> None:
    message = compose("none", [of("price_drop").told], AMERICAN, SHOP)
    assert message.subject == "Owed without a message"
    assert "This is no message, and nothing is sent" in message.text
    assert f"Reference {REFERENCE}" in message.text
    assert "none" in FRAMES


def test_an_opt_out_that_is_an_address_is_a_link_and_words_are_words() -> None:
    assert '<a href="https://shop.example/no-more">' in written(of("unused_entitlement")).html
    words = SHOP.model_copy(update={"opt_out": "Answer STOP, or javascript:alert(1)"})
    assert "<a " not in compose("marketing", [of("unused_entitlement").told], AMERICAN, words).html
