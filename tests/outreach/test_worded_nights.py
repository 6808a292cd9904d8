"""Nights with their words: references that lead to promises, advice with an imprint, own templates."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from outreach import review, steps
from outreach.models import NoticeRow, WordsRow
from outreach.promises.models import PromiseRow
from outreach.references import shortened
from tests.outreach.worlds import DAY, EVERYTHING, Rows, consenting, fill, night, shop
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, SettingsError
from warehouse.settings import Settings

ADVISED: dict[str, Rows] = {
    "purchases": [{"order_id": str(n), "purchased_at": f"2017-11-{20 + n}"} for n in range(3)],
    "products": [{"product_id": "milk", "title": "Fresh milk"}],
    "prices": [{"price": "2.00"}],
    "offers": [{"value_minor": 50, "currency": "USD"}],
    "offer_products": [{}],
    "entitlements": [{"entitlement_id": "1"}],
    "consents": consenting("ann"),
}


def notices(settings: Settings) -> list[NoticeRow]:
    with reading(engine_for(settings)) as session:
        rows = list(session.scalars(select(NoticeRow)))
        session.expunge_all()
        return rows


def words(settings: Settings) -> list[WordsRow]:
    with reading(engine_for(settings)) as session:
        rows = list(session.scalars(select(WordsRow)))
        session.expunge_all()
        return rows


def spoil(settings: Settings, **values: str) -> None:
    """Other words, which nobody has looked at yet."""
    with writing(engine_for(settings)) as session:
        session.execute(update(WordsRow).values(values))
        session.execute(update(NoticeRow).values(fit_for=None))


def worded(settings: Settings, **outreach: str) -> Settings:
    return settings.model_copy(update={"outreach": EVERYTHING.model_copy(update=outreach)})


def test_the_reference_in_a_message_leads_to_its_promise(any_home: Settings) -> None:
    fill(any_home, shop("ann"))
    night(any_home)
    review.approve(any_home, "latest", by="maria")
    with reading(engine_for(any_home)) as session:
        (promise,) = session.scalars(select(PromiseRow.promise_id))
    (said,) = words(any_home)
    assert f"Reference {shortened(promise)}" in said.text
    assert shortened(promise) in said.html


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_notice_that_hides_its_promise_cannot_be_approved(home: Settings, form: str) -> None:
    fill(home, shop("ann"))
    night(home)
    spoil(home, **{form: "You get some money back."})
    with pytest.raises(ConflictError, match=r"cannot be approved \(reference\)"):
        review.approve(home, "latest", by="maria")
    assert [notice.state for notice in notices(home)] == ["proposed"]


def test_advice_has_opt_out_and_address_when_it_is_approved(home: Settings) -> None:
    fill(home, ADVISED)
    night(home)
    moved = worded(home, postal_address="Corner Shop, 2 Low Street, Shelbyville")
    with pytest.raises(ConflictError, match="postal_address"):
        review.approve(moved, "latest", by="maria")
    assert review.approve(home, "latest", by="maria").changed == 1


@pytest.mark.parametrize("name", ["opt_out", "postal_address"])
def test_without_opt_out_or_address_advice_is_silent_and_the_night_says_why(
    home: Settings, name: str
) -> None:
    silent = worded(home, **{name: ""})
    fill(silent, ADVISED)
    steps.find(silent, DAY)
    receipt = steps.decide(silent, DAY)
    assert receipt.numbers["decisions"] == {"silent: no_imprint": 1}
    assert any("1 customers could save money and hear nothing of it" in line for line in receipt.warnings)
    steps.prepare_batch(silent, DAY)
    assert notices(silent) == []


def test_money_owed_needs_no_opt_out(home: Settings) -> None:
    silent = worded(home, opt_out="", postal_address="")
    fill(silent, shop("ann"))
    night(silent)
    assert [notice.state for notice in notices(silent)] == ["proposed"]


def test_a_message_whose_words_break_a_rule_waits_for_a_person(home: Settings) -> None:
    promoting = worded(home, contact="Shop now: 0800 1")
    fill(promoting, shop("ann", "bob"))
    steps.find(promoting, DAY)
    steps.decide(promoting, DAY)
    receipt = steps.prepare_batch(promoting, DAY)
    assert [notice.state for notice in notices(promoting)] == ["held", "held"]
    assert any("2 notices are held" in line and "'Shop now' promotes" in line for line in receipt.warnings)


@pytest.fixture
def own(home: Settings) -> Callable[[str], Path]:
    def put(text: str) -> Path:
        file = home.templates_folder / "en" / "price_drop" / "v1.why"
        file.parent.mkdir(parents=True)
        file.write_text(text, "utf-8")
        return file

    return put


def test_the_retailers_own_words_are_used(home: Settings, own: Callable[[str], Path]) -> None:
    own("We have a price promise.\n")
    fill(home, shop("ann"))
    night(home)
    assert "We have a price promise." in words(home)[0].text


def test_the_retailers_own_words_are_not_used_when_they_break_a_rule(
    home: Settings, own: Callable[[str], Path]
) -> None:
    own("Save more with us.\n")
    fill(home, shop("ann"))
    with pytest.raises(SettingsError, match=r"en/price_drop/v1\.why:1: promotion"):
        night(home)
    assert notices(home) == []
