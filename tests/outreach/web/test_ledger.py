"""The ledger's pages: what everybody may look up, and what some may do about a promise."""

from datetime import timedelta
from typing import Any

import pytest

from outreach import review
from outreach.promises import desk
from outreach.promises.accounts import Standing, listed
from outreach.references import shortened
from tests.outreach.web.conftest import SignIn
from tests.outreach.worlds import END, fill
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio
LATER = END + timedelta(hours=30)


@pytest.fixture
def promised(desk_home: Settings) -> Settings:
    """Ada, Ben and Cleo were promised 0.50 each a day and a half ago."""
    fill(desk_home, {"customers": [{"customer_id": "ada"}]})
    with clock.at(END):
        review.approve(desk_home, "latest", by="eve")
    return desk_home


def of(home: Settings, customer: str) -> Standing:
    with reading(engine_for(home)) as session:
        (found,) = listed(session, customer_id=customer)
    return found


def path_of(home: Settings, customer: str) -> str:
    return f"/ledger/{of(home, customer).promise_id}"


async def test_the_ledger_says_what_is_owed_and_that_the_equation_holds(
    signed_in: SignIn, promised: Settings
) -> None:
    with clock.at(LATER):
        eve = await signed_in("eve")
        desk.pay(promised, of(promised, "ada").promise_id, reference="p1", by="eve")
        shown = await eve.reads("/ledger.json")
        page = await eve.sees("/ledger")
    assert shown["balances"] == [
        {
            "currency": "USD",
            "promised_minor": 150,
            "paid_minor": 50,
            "open_minor": 100,
            "voided_minor": 0,
            "holds": True,
        }
    ]
    assert shown["ages"][1] == {"age": "warning", "promises": 2, "sums": {"USD": 100}}
    assert (shown["total"], shown["sums"]) == (2, {"USD": 100})
    assert "yes, to the minor unit" in page
    assert "<strong>2</strong> promises, $1.00 of them open" in page


@pytest.mark.parametrize(
    ("query", "customers"),
    [
        ("state=kept", ["ada"]),
        ("state=all&sort=customer", ["ada", "ben", "cleo"]),
        ("customer=ben", ["ben"]),
        ("age=breach", []),
        ("kind=goodwill", []),
        ("state=&kind=&age=&customer=&reference=&sort=customer", ["ben", "cleo"]),
    ],
)
async def test_the_list_is_filtered(
    signed_in: SignIn, promised: Settings, query: str, customers: list[str]
) -> None:
    with clock.at(LATER):
        eve = await signed_in("eve")
        desk.pay(promised, of(promised, "ada").promise_id, reference="p1", by="eve")
        shown = await eve.reads(f"/ledger.json?{query}")
    assert [one["customer_id"] for one in shown["promises"]] == customers
    assert shown["total"] == len(customers)


async def test_a_promise_is_found_by_the_reference_that_the_customer_names(
    signed_in: SignIn, promised: Settings
) -> None:
    eve = await signed_in("eve")
    named = shortened(of(promised, "ben").promise_id).lower()
    shown = await eve.reads(f"/ledger.json?reference={named}")
    assert [one["customer_id"] for one in shown["promises"]] == ["ben"]
    assert "is no reference" in await eve.sees("/ledger?reference=nonsense", 404)
    assert "there is no state" in await eve.sees("/ledger?state=lost", 422)


async def test_a_promise_shows_its_events_its_postings_and_where_it_came_from(
    signed_in: SignIn, promised: Settings
) -> None:
    eve, promise = await signed_in("eve"), of(promised, "ada")
    shown = await eve.reads(f"/ledger/{promise.promise_id}.json")
    assert [one["state"] for one in shown["events"]] == ["open"]
    assert [(one["credit"], one["debit"], one["amount_minor"]) for one in shown["postings"]] == [
        ("promised", "open", 50)
    ]
    assert shown["notice"]["notice_id"] == promise.notice_id
    assert f"/desk/notices/{promise.notice_id}" in await eve.sees(f"/ledger/{promise.promise_id}")
    assert "there is no promise" in await eve.sees("/ledger/nothing", 404)


async def test_an_approver_records_a_payment_once(signed_in: SignIn, promised: Settings) -> None:
    eve, path = await signed_in("eve"), path_of(promised, "ada")
    answer = await eve.sends(f"{path}/pay", of=path, reference="p1", amount="0.20")
    assert answer.headers["location"].endswith("?done=paid")
    answer = await eve.sends(f"{path}/pay", of=path, reference="p1", amount="0.20")
    assert answer.headers["location"].endswith("?done=known")
    assert of(promised, "ada").paid_minor == 20
    await eve.sends(f"{path}/pay", of=path, reference="p2")
    assert of(promised, "ada").state == "kept"
    await eve.sends(f"{path}/pay", 409, of="/tonight", reference="p3")
    await eve.sends(f"{path}/pay", 422, of="/tonight", reference="p3", amount="much")
    answer = await eve.sends(f"{path}/pay", 422, of="/tonight")
    assert "the form lacks" in answer.text


async def test_a_payment_that_came_back_opens_the_promise_again(
    signed_in: SignIn, promised: Settings
) -> None:
    rita, path = await signed_in("rita"), path_of(promised, "ada")
    desk.pay(promised, of(promised, "ada").promise_id, reference="p1", by="eve")
    await rita.sends(f"{path}/reopen", of=path, reference="p1", why="account closed")
    assert (of(promised, "ada").state, of(promised, "ada").open_minor) == ("reopened", 50)
    assert "A payment came back" not in await rita.sees(path)


async def test_who_takes_back_what_changed_meanwhile_is_told_so(
    signed_in: SignIn, promised: Settings
) -> None:
    eve, path = await signed_in("eve"), path_of(promised, "ada")
    page = await eve.sees(path)
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    desk.pay(promised, of(promised, "ada").promise_id, reference="p1", amount_minor=10, by="bob")
    answer = await eve.sends(f"{path}/void", 409, of=path, seen=seen, why="a mistake")
    assert "changed since you looked at it" in answer.text
    assert of(promised, "ada").open_minor == 40


@pytest.mark.parametrize(
    ("name", "action", "status"),
    [("vic", "pay", 403), ("vic", "keep", 403), ("rita", "pay", 403), ("rita", "void", 403)],
)
async def test_a_role_does_only_what_it_may(
    signed_in: SignIn, promised: Settings, name: str, action: str, status: int
) -> None:
    person, path = await signed_in(name), path_of(promised, "ada")
    fields: dict[str, Any] = {"why": "because", "reference": "p1"}
    await person.sends(f"{path}/{action}", status, **fields)
    assert f"{path}/{action}" not in await person.sees(path)
    assert of(promised, "ada").state == "open"


async def test_a_reviewer_grants_a_credit_within_the_limits(signed_in: SignIn, promised: Settings) -> None:
    rita = await signed_in("rita")
    form = {"of": "/ledger", "customer": "ada", "currency": "usd", "why": "the parcel was wet"}
    answer = await rita.sends("/ledger/credit", amount="5.00", **form)
    page = await rita.sees(answer.headers["location"].removeprefix("/desk"))
    assert "a credit of 5.00 USD" in page
    assert "It is promised." in page
    answer = await rita.sends("/ledger/credit", 409, amount="5000", **form)
    assert "above the limit" in answer.text
    await rita.sends("/ledger/credit", 404, amount="5.00", **(form | {"customer": "nobody"}))


async def test_our_word_is_given_and_kept(signed_in: SignIn, promised: Settings) -> None:
    rita = await signed_in("rita")
    form = {"customer": "ada", "said": "we call you", "due": "2030-01-31"}
    answer = await rita.sends("/ledger/word", of="/ledger", **form)
    path = answer.headers["location"].removeprefix("/desk").partition("?")[0]
    await rita.sends(f"{path}/keep", of=path, why="called on Monday")
    shown = await rita.reads(f"{path}.json")
    assert (shown["promise"]["state"], shown["events"][-1]["why"]) == ("kept", "called on Monday")
    await rita.sends("/ledger/word", 422, of="/ledger", **(form | {"due": "soon"}))


async def test_viewers_see_sums_and_no_people(signed_in: SignIn, promised: Settings) -> None:
    vic, rita = await signed_in("vic"), await signed_in("rita")
    form = {"customer": "ada", "said": "we call Ada Lovelace", "due": "2030-01-31", "why": "Ada asked"}
    await rita.sends("/ledger/word", of="/ledger", **form)
    desk.pay(promised, of(promised, "ben").promise_id, reference="Ben B., DE12", by="eve")
    texts = [await vic.sees("/ledger?state=all"), await vic.sees("/ledger.json?state=all")]
    for one in (await vic.reads("/ledger.json?state=all"))["promises"]:
        texts += [await vic.sees(f"/ledger/{one['promise_id']}{end}") for end in ("", ".json")]
    for text in texts:
        assert not any(word in text for word in ("Ada", "Lovelace", "DE12", '"ada"', ">ada<"))
    assert "takes the role reviewer" in await vic.sees("/ledger?customer=ada", 403)


async def test_nothing_on_the_page_is_read_as_markup(signed_in: SignIn, promised: Settings) -> None:
    rita = await signed_in("rita")
    form = {"customer": "ada", "said": "<script>alert(1)</script>", "due": "2030-01-31", "why": "<b>x</b>"}
    answer = await rita.sends("/ledger/word", of="/ledger", **form)
    for path in ("/ledger?customer=ada", answer.headers["location"].removeprefix("/desk")):
        page = await rita.sees(path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
    assert '"><script>' not in await rita.sees('/ledger?customer="><script>')
