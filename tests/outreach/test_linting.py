"""The linter: our words break no rule, and each rule is broken by somebody else's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from outreach import wording
from outreach.formats import Reader
from outreach.linting import check, problems, refusal, words
from outreach.linting.specimens import REFERENCE, SHOP, specimens
from outreach.slots import TOPICS
from outreach.texts import Message, compose
from warehouse.settings import FeatureSettings

SENSITIVE = FeatureSettings().sensitive_words
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Puts a template into the retailer's own folder; gives the folder."""

    def put(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return tmp_path

    return put


def test_our_own_words_break_no_rule() -> None:
    assert check(None, SENSITIVE) == []


def test_every_topic_and_frame_is_there_in_both_languages() -> None:
    assert wording.languages() == {"en", "de"}


def test_a_wording_of_ones_own_is_fine_and_used(write: Write) -> None:
    own = write("en/price_drop/v1.why", "We have a price promise.\n")
    assert check(own, SENSITIVE) == []
    message = compose("service", [specimens()["price_drop"][0].told], Reader("en_US", "UTC"), SHOP, own)
    assert "We have a price promise." in message.text


@pytest.mark.parametrize(
    ("name", "text", "line", "rule", "advice"),
    [
        ("en/price_drop/v1.why", "You bought it.\nSave more!", 2, "promotion", "'Save' promotes"),
        ("de/late_delivery/v1.txt", "{{ shop }}\n\nUnser Angebot", 3, "promotion", "'Angebot' promotes"),
        ("en/service/v1.html", "<p>{{ shop }}</p>\n<p>Buy\nnow</p>", 2, "promotion", "promotes"),
        ("en/price_drop/v1.why", "You bought wine.", 1, "sensitive", "'wine' names something"),
        ("en/cheaper_same/v1.why", "You\nbuy diapers, diet food", 2, "sensitive", "'diet'"),
        ("en/price_drop/v1.txt", "You get $5 back", 1, "number", "'$' is written out"),
        ("en/price_drop/v1.txt", "{{ shop }} {{ item.age }}", 1, "slot", "there is no slot item.age"),
        ("en/price_drop/v1.txt", "{{ item.amount }}\n{{ evidence }}", 2, "slot", "there is no slot evidence"),
        ("en/price_drop/v1.why", "{{ item.amount }}", 1, "slot", "there is no slot item"),
        ("en/price_drop/v1.txt", "a\n{% if item.item %}b", 2, "syntax", "mend the braces"),
        ("en/price_drop/v1.txt", "{{ item.item | safe }}", 1, "construct", "safe cannot be used"),
        ("en/price_drop/v1.txt", "{% include 'x' %}", 1, "construct", "include cannot be used"),
        ("en/price_drop/v1.txt", "{{ item.item.upper() }}", 1, "construct", "call cannot be used"),
        ("en/price_drop/v1.txt", "{{ item.amount }} <b>back</b>", 1, "markup", "write plain text"),
        ("en/service/v1.html", "<p>{{ shop }}\n<p>", 2, "html", "<p> is never closed"),
        ("en/service/v1.html", "<p>{{ shop }}</em></p>", 1, "html", "</em> closes nothing"),
        ("en/service/v1.html", "<!-- for {{ shop }} -->", 1, "html", "a comment goes out"),
        ("en/marketing/v1.html", '\n<img src="https://x.example/">', 2, "remote", "<img> is not"),
        ("en/marketing/v1.html", '<p style="background: url(x)"></p>', 1, "remote", "could load"),
        ("en/marketing/v1.html", '<p onclick="x"></p>', 1, "remote", "onclick="),
        ("en/marketing/v1.html", '<a href="https://x/{{ shop }}">a</a>', 1, "remote", "a link leads"),
        ("layout/v1.html", '<html><body background="x">{{ body }}</body></html>', 1, "remote", "background="),
        ("en/price_drop/v2.txt", "later", 0, "name", "no text has this name"),
        ("en/price_dropp/v1.txt", "typo", 0, "name", "no text has this name"),
        ("fr/price_drop/v1.txt", "{{ item.amount }}", 0, "missing", "'fr' lacks this file"),
    ],
)
def test_what_a_template_must_not_do_is_found_where_it_is_done(
    write: Write, name: str, text: str, line: int, rule: str, advice: str
) -> None:
    found = check(write(name, text), SENSITIVE)
    assert any(f.rule == rule and f.line == line and advice in f.advice for f in found), found


@pytest.mark.parametrize(
    ("name", "old", "new", "rule"),
    [
        ("en/service/v1.txt", "{{ item.reference }}", "", "reference"),
        ("en/service/v1.html", "{{ item.reference }}", "", "reference"),
        ("de/marketing/v1.txt", "{{ opt_out }}", "", "opt_out"),
        ("en/marketing/v1.html", "{{ opt_out }}", "here", "opt_out"),
        ("en/marketing/v1.txt", "{{ postal_address }}", "", "postal_address"),
        ("de/marketing/v1.html", "{{ postal_address }}", "", "postal_address"),
        ("en/service/v1.txt", "{{ contact }}", "", "person"),
        ("en/service/v1.html", "{{ reason }}", "", "why"),
        ("en/service/v1.txt", "{{ reason }}", "", "why"),
        ("de/service/v1.html", "{{ item.said }}", "", "same"),
        ("en/late_delivery/v1.txt", "{{ item.amount | strong }}", "", "amount"),
        ("layout/v1.html", 'lang="{{ language }}"', 'lang=""', "page"),
        ("layout/v1.html", "<title>{{ subject }}</title>", "<title></title>", "page"),
    ],
)
def test_what_every_message_must_say_is_missed(
    write: Write, name: str, old: str, new: str, rule: str
) -> None:
    ours = (wording.OURS / name).read_text("utf-8")
    assert old in ours
    assert rule in {finding.rule for finding in check(write(name, ours.replace(old, new)), SENSITIVE)}


def test_a_language_of_ones_own_needs_everything_a_language_has(write: Write) -> None:
    for file in (wording.OURS / "en").rglob("*"):
        if file.is_file():
            own = write(f"fr/{file.relative_to(wording.OURS / 'en').as_posix()}", file.read_text("utf-8"))
    assert check(own, SENSITIVE) == []
    message = compose("service", [specimens()["price_drop"][0].told], Reader("fr_CH", "UTC"), SHOP, own)
    assert '<html lang="fr"' in message.html


def test_a_template_that_is_no_utf_8_is_said_to_be_none(write: Write) -> None:
    own = write("en/price_drop/v1.why", "x")
    (own / "en/price_drop/v1.why").write_bytes("schön".encode("latin-1"))
    assert [finding.rule for finding in check(own)] == ["encoding"]


def test_every_word_of_promotion_is_found_as_a_word_and_not_inside_one() -> None:
    english, german = words.promotion("en"), words.promotion("de")
    assert all(map(english.search, ("SAVE now", "our best  price")))
    assert german.search("Rabattcode")
    assert not english.search("saved for wholesale")
    assert not german.search("Reaktion")


def message_of(topic: str) -> Message:
    return compose(TOPICS[topic].purpose, [specimens()[topic][0].told], Reader("en_US", "UTC"), SHOP)


def rules_of(topic: str, message: Message, **told: str) -> set[str]:
    one = replace(specimens()[topic][0].told, **told)
    return {p.rule for p in problems(TOPICS[topic].purpose, [one], message, SHOP, SENSITIVE)}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_message_as_we_write_it_has_no_problem(topic: str) -> None:
    assert rules_of(topic, message_of(topic)) == set()


def test_a_message_may_name_what_was_bought_whatever_it_is_called() -> None:
    one = specimens()["price_drop"][0].told
    named = replace(one, evidence=one.evidence.replace("Fresh milk", "SALE! Discount voucher"))
    message = compose("service", [named], Reader("en_US", "UTC"), SHOP)
    assert problems("service", [named], message, SHOP, SENSITIVE) == []


def test_a_contact_that_promotes_is_found_in_the_message() -> None:
    shop = SHOP.model_copy(update={"contact": "Shop now at our new store"})
    one = specimens()["price_drop"][0].told
    message = compose("service", [one], Reader("en_US", "UTC"), shop)
    assert {p.rule for p in problems("service", [one], message, shop, SENSITIVE)} == {"promotion"}


def test_an_offer_with_a_sensitive_name_waits_for_a_person() -> None:
    evidence = specimens()["unused_entitlement"][0].told.evidence.replace("half a dollar off", "Wine club")
    assert rules_of("unused_entitlement", message_of("unused_entitlement"), evidence=evidence) == {
        "sensitive"
    }


def test_money_that_is_owed_has_a_reference_in_text_and_html() -> None:
    message = message_of("price_drop")
    assert refusal("service", [REFERENCE], message, SHOP) is None
    for silent in (
        replace(message, text=message.text.replace(REFERENCE, "")),
        replace(message, html=message.html.replace(REFERENCE, "")),
    ):
        problem = refusal("service", [REFERENCE], silent, SHOP)
        assert problem is not None
        assert problem.rule == "reference"


@pytest.mark.parametrize("name", ["opt_out", "postal_address"])
def test_advice_without_opt_out_or_address_is_refused(name: str) -> None:
    problem = refusal("marketing", [], message_of("unused_entitlement"), SHOP.model_copy(update={name: " "}))
    assert problem is not None
    assert problem.rule == name


def test_text_and_html_that_say_different_amounts_are_found() -> None:
    message = message_of("price_drop")
    assert rules_of("price_drop", replace(message, html=message.html.replace("1.50", "1.60"))) == {"same"}
