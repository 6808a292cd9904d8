"""A customer's own link says who and until when, to us alone."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st
from sqlalchemy import select

from outreach.choices import Link, Links, Refused, hand_out, read_link
from tests.outreach.worlds import DAY, END, fill
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.access.sessions import Sessions
from warehouse.database import engine_for, reading
from warehouse.errors import ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import DeskSettings, Settings, load_settings
from warehouse.tombstones import named_in_log

SECRET = "a secret that only this shop knows"
SHOP = Settings(secret_key=SECRET, desk=DeskSettings(url="https://shop.example"))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
ENDS = END + timedelta(days=30)


def token_of(customer: str, shop: Settings = SHOP) -> str:
    return Links(shop).of(customer, DAY).address.rpartition("/")[2]


@checked(deadline=None)
@given(st.text(min_size=1, max_size=128))
def test_a_link_is_read_as_it_was_made(customer: str) -> None:
    made = Links(SHOP).of(customer, DAY)
    assert read_link(SHOP, token_of(customer), END) == made
    assert (made.customer_id, made.expires_at) == (customer, ENDS)


def test_the_same_customer_and_day_give_the_same_link_whatever_the_clock_says() -> None:
    links = []
    for moment in (END, END + timedelta(days=400)):
        with clock.at(moment):
            links.append(Links(SHOP).of("ann", DAY))
    assert links[0] == links[1]
    assert links[0].address.startswith("https://shop.example/yours/")
    assert links[0].one_click == f"{links[0].address}/stop"
    assert Links(SHOP).of("bob", DAY).link_id != links[0].link_id


def test_an_address_shows_nothing_of_the_customer() -> None:
    token = token_of("ann@shop.example")
    assert set(token) <= set(LETTERS)
    one, other = token_of("customer-00000001")[:40], token_of("customer-00000002")[:40]
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 10  # of 40, by chance 1 in 64 are the same


@checked(deadline=None)
@given(st.data())
def test_a_token_with_any_letter_changed_is_refused(data: st.DataObject) -> None:
    token = token_of("ann")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(LETTERS.replace(token[place], "")))
    refused = read_link(SHOP, token[:place] + letter + token[place + 1 :], END)
    assert isinstance(refused, Refused)
    assert refused.reason == "unknown"


@pytest.mark.parametrize("change", ["", "x", "=", "\n", "é", "." * 2000])
def test_what_was_not_written_here_is_refused(change: str) -> None:
    texts = [change] if not change else [change, token_of("ann") + change, change + token_of("ann")]
    for text in texts:
        refused = read_link(SHOP, text, END)
        assert isinstance(refused, Refused)
        assert refused.reason == "unknown"


def test_a_token_of_another_shop_or_for_another_purpose_is_refused() -> None:
    other = SHOP.model_copy(update={"secret_key": "another secret that nobody knows"})
    assert isinstance(read_link(SHOP, token_of("ann", other), END), Refused)
    user = accounts.User("ann", Role.ADMIN, 1)
    session = Sessions(SHOP).written(Sessions.begin(user, END), END)
    assert isinstance(read_link(SHOP, session, END), Refused)
    assert Sessions(SHOP).read(token_of("ann"), END) is None


def test_a_link_ends_and_says_whom_to_ask() -> None:
    assert isinstance(read_link(SHOP, token_of("ann"), ENDS - timedelta(seconds=1)), Link)
    shop = SHOP.model_copy(
        update={"outreach": SHOP.outreach.model_copy(update={"contact": "Call 0800 123 456"})}
    )
    refused = read_link(shop, token_of("ann"), ENDS)
    assert refused == Refused("expired", "This link has expired. Ask for another one: Call 0800 123 456")


def test_support_hands_out_links_and_the_log_says_so(any_home: Settings) -> None:
    fill(
        any_home,
        {"customers": [{"customer_id": "ann"}], "purchases": [{"order_id": "1", "customer_id": "bob"}]},
    )
    with clock.at(END):
        link = hand_out(any_home, "ann", by="eve")
        assert hand_out(any_home, "bob", by="eve").customer_id == "bob"
        assert read_link(any_home, link.address.rpartition("/")[2], END) == link
        with pytest.raises(NotFoundError, match="'cat' is not known"):
            hand_out(any_home, "cat", by="eve")
        accounts.add(any_home, "eve", Role.VIEWER, by="eve", password=None)
        with pytest.raises(ForbiddenError):
            hand_out(any_home, "ann", by="eve")
    with reading(engine_for(any_home)) as session:
        told = session.scalars(select(AuditRow).where(AuditRow.action == "customer.link")).all()
        assert [row.subject for row in told] == [named_in_log(any_home, name) for name in ("ann", "bob")]
        assert link.link_id in told[0].details
        assert link.address.rpartition("/")[2] not in told[0].details


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://shop.example/", "https://shop.example"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_the_desk_has_an_address(url: str, kept: str) -> None:
    assert DeskSettings(url=url).url == kept


@pytest.mark.parametrize(
    "url",
    [
        *(
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://shop.example/desk",
            "https://a@shop.example",
        ),
        *(
            "https://shop.example?x",
            "https://shop.example#x",
            "https://shop.example:0",
            "https://shop.example:x",
        ),
        *(
            "javascript:alert(1)",
            "https://shop.example\n",
            "https://shöp.example",
            "https://shop.example:99999",
        ),
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"setting desk\.url"):
        load_settings(desk={"url": url})


def test_only_an_address_with_https_is_for_customers() -> None:
    assert Links.for_messages(SHOP) is not None
    assert Links.for_messages(SHOP.model_copy(update={"desk": DeskSettings()})) is None
