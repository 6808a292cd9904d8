"""The ledger: promised = paid + open + voided whatever is done to it, by whoever, at once or twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import ClassVar

import pytest
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from outreach.promises import accounts, checking, desk, ledger, payments
from outreach.promises.ledger import Promise
from outreach.promises.models import PostingRow
from outreach.promises.payments import Payment
from tests.outreach.promises.shops import HOUR, NOON, amounts, events, promised, standing
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import AdvocateError, ConflictError, NotFoundError
from warehouse.settings import Settings


def test_a_promise_is_open_until_it_is_paid(any_home: Settings) -> None:
    one = promised(any_home)
    assert (standing(any_home, one).state, amounts(any_home)) == ("open", (500, 0, 500, 0))
    paid, changed = desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=200)
    assert (paid.state, changed, amounts(any_home)) == ("open", True, (500, 200, 300, 0))
    paid, changed = desk.pay(any_home, one, reference="bank 2", by="fin")
    assert (paid.state, changed, amounts(any_home)) == ("kept", True, (500, 500, 0, 0))
    assert events(any_home, one) == [("open", "eve", "test"), ("kept", "fin", "paid")]


def test_the_same_payment_or_promise_twice_changes_nothing(any_home: Settings) -> None:
    one = promised(any_home)
    desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=200)
    assert promised(any_home, at=NOON + HOUR) == one
    for amount in (200, None):
        _, changed = desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=amount)
        assert not changed
    assert amounts(any_home) == (500, 200, 300, 0)
    with pytest.raises(ConflictError, match="same reference, other content"):
        desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=201)
    with pytest.raises(ConflictError, match="same reference, other content"):
        desk.pay(any_home, promised(any_home, "bob"), reference="bank 1", by="fin")


def test_never_more_is_paid_than_is_open(any_home: Settings) -> None:
    one = promised(any_home)
    with pytest.raises(ConflictError, match="more than is open"):
        desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=501)
    desk.void(any_home, one, by="eve", why="wrong customer")
    assert (standing(any_home, one).state, amounts(any_home)) == ("voided", (500, 0, 0, 500))
    with pytest.raises(ConflictError, match="is voided; nothing of it is open"):
        desk.pay(any_home, one, reference="bank 1", by="fin")
    assert desk.void(any_home, one, by="eve", why="again")[1] is False
    with pytest.raises(NotFoundError, match="no promise 'nowhere'"):
        desk.pay(any_home, "nowhere", reference="bank 1", by="fin")


def test_what_was_paid_stays_paid_when_the_rest_is_taken_back(any_home: Settings) -> None:
    one = promised(any_home)
    desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=200)
    desk.void(any_home, one, by="eve", why="agreed on less")
    assert (standing(any_home, one).state, amounts(any_home)) == ("voided", (500, 200, 0, 300))


def test_a_payment_that_came_back_opens_its_promise_again_once(any_home: Settings) -> None:
    one = promised(any_home)
    desk.pay(any_home, one, reference="bank 1", by="fin")
    with pytest.raises(ConflictError, match="name the payment that came back"):
        desk.reopen(any_home, one, by="fin", why="account closed")
    with pytest.raises(NotFoundError, match="no payment 'bank 2'"):
        desk.reopen(any_home, one, by="fin", why="account closed", reference="bank 2")
    back, changed = desk.reopen(any_home, one, by="fin", why="account closed", reference="bank 1")
    assert (back.state, changed, amounts(any_home)) == ("reopened", True, (500, 0, 500, 0))
    assert desk.reopen(any_home, one, by="fin", why="account closed", reference="bank 1")[1] is False
    assert desk.pay(any_home, one, reference="bank 1", by="fin")[1] is False
    assert desk.pay(any_home, one, reference="bank 2", by="fin")[0].state == "kept"
    assert [state for state, *_ in events(any_home, one)] == ["open", "kept", "reopened", "kept"]


def test_a_promise_without_money_is_kept_or_taken_back_and_can_be_reopened(any_home: Settings) -> None:
    word = promised(any_home, amount=None)
    with pytest.raises(ConflictError, match="not of money"):
        desk.pay(any_home, word, reference="bank 1", by="fin")
    assert desk.keep(any_home, word, by="rep", why="called")[0].state == "kept"
    assert desk.keep(any_home, word, by="rep", why="called")[1] is False
    assert desk.reopen(any_home, word, by="rep", why="not reached")[0].state == "reopened"
    assert desk.void(any_home, word, by="rep", why="moved away")[0].state == "voided"
    with pytest.raises(ConflictError, match="reopen"):
        desk.keep(any_home, word, by="rep", why="called")
    with pytest.raises(ConflictError, match="is of money"):
        desk.keep(any_home, promised(any_home), by="rep", why="called")
    with reading(engine_for(any_home)) as session:
        assert [b.currency for b in accounts.balances(session)] == ["USD"]


def test_currencies_are_never_added(any_home: Settings) -> None:
    promised(any_home)
    promised(any_home, currency="EUR", amount=700)
    with reading(engine_for(any_home)) as session:
        assert [(b.currency, b.open_minor) for b in accounts.balances(session)] == [
            ("EUR", 700),
            ("USD", 500),
        ]
        pay = [Payment("bank 1", promised(any_home), 500, "EUR", NOON)]
    with (
        pytest.raises(ConflictError, match=r"other currency than the promise \(USD\)"),
        writing(engine_for(any_home)) as session,
    ):
        payments.pay(session, pay, by="fin", at=NOON)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_promise_of_no_money_is_refused(home: Settings, amount: int) -> None:
    with pytest.raises(ConflictError, match="makes no sense"):
        promised(home, amount=amount)


@pytest.mark.parametrize("table", ["promises", "promise_events", "postings", "payouts"])
@pytest.mark.parametrize("change", ["UPDATE {} SET promise_id = '1'", "DELETE FROM {}"])
def test_nothing_of_it_can_be_changed(any_home: Settings, table: str, change: str) -> None:
    one = promised(any_home)
    desk.pay(any_home, one, reference="bank 1", by="fin")
    with writing(engine_for(any_home)) as session:
        payout = {"payout_id": "p", "export_id": "e", "promise_id": one, "number": 1, "amount_minor": 1}
        ledger.hand_out(session, [payout], by="eve", at=NOON)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine_for(any_home)) as session:
        session.execute(text(change.format(table)))


@pytest.mark.parametrize(
    ("debit", "credit", "amount"),
    [("paid", "pocket", 1), ("open", "promised", 1), ("paid", "paid", 1), ("paid", "open", 0)],
)
def test_the_database_refuses_a_posting_that_is_none(
    any_home: Settings, debit: str, credit: str, amount: int
) -> None:
    posting = ledger.Posting("id", promised(any_home), debit, credit, amount, "", NOON)
    with pytest.raises(IntegrityError), writing(engine_for(any_home)) as session:
        ledger.post(session, [posting], by="mallory", at=NOON)


Act = tuple[str, int, int]


def act(home: Settings, one: str, what: Act) -> bool:
    """Tries one thing; whether it was allowed and changed anything."""
    verb, number, amount = what
    try:
        if verb == "pay":
            return desk.pay(home, one, reference=f"{one} {number}", by="fin", amount_minor=amount)[1]
        if verb == "void":
            return desk.void(home, one, by="eve", why="test")[1]
        return desk.reopen(home, one, by="eve", why="test", reference=f"{one} {number}")[1]
    except AdvocateError:
        return False


ACTS = st.tuples(st.sampled_from(["pay", "pay", "void", "back"]), st.integers(1, 4), st.integers(1, 400))


class Work(RuleBasedStateMachine):
    """Random work on the promises of one customer, one after the other and at once."""

    home: ClassVar[Settings]
    customers: ClassVar[Iterator[str]]
    promises = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.customer = next(self.customers)
        self.opened: dict[str, int] = {}
        self.parts: dict[str, list[int]] = {}  # paid, open, voided
        self.references: dict[tuple[str, int], tuple[int, bool]] = {}

    @rule(target=promises, amount=st.integers(1, 1000))
    def promise(self, amount: int) -> str:
        one = promised(self.home, self.customer, amount, said=f"{len(self.opened)}")
        self.opened[one], self.parts[one] = amount, [0, amount, 0]
        return one

    @rule(one=promises, what=ACTS)
    def alone(self, one: str, what: Act) -> None:
        assert act(self.home, one, what) == self.expected(one, what)

    def expected(self, one: str, what: Act) -> bool:
        verb, number, amount = what
        parts, known = self.parts[one], self.references.get((one, number))
        if verb == "pay" and known is None and amount <= parts[1]:
            self.references[one, number] = (amount, False)
            self.parts[one] = [parts[0] + amount, parts[1] - amount, parts[2]]
        elif verb == "void" and parts[1]:
            self.parts[one] = [parts[0], 0, parts[2] + parts[1]]
        elif verb == "back" and known is not None and not known[1]:
            self.references[one, number] = (known[0], True)
            self.parts[one] = [parts[0] - known[0], parts[1] + known[0], parts[2]]
        else:
            return False
        return True

    @rule(one=promises, acts=st.lists(ACTS, min_size=2, max_size=4))
    def together(self, one: str, acts: list[Act]) -> None:
        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(lambda what: act(self.home, one, what), acts))
        now = standing(self.home, one)
        self.parts[one] = [now.paid_minor or 0, now.open_minor or 0, now.voided_minor or 0]
        for number in range(1, 5):
            if (known := self.written(f"{one} {number}")) is not None:
                self.references[one, number] = known

    def written(self, reference: str) -> tuple[int, bool] | None:
        """The amount of a payment, and whether it came back."""
        query = select(PostingRow.credit, PostingRow.amount_minor).where(PostingRow.reference == reference)
        with reading(engine_for(self.home)) as session:
            found = dict(session.execute(query).all())
        return (found["open"], "paid" in found) if found else None

    @invariant()
    def promised_is_paid_open_and_voided(self) -> None:
        for one, (paid, left, voided) in self.parts.items():
            now = standing(self.home, one)
            assert (now.paid_minor, now.open_minor, now.voided_minor) == (paid, left, voided)
            assert paid + left + voided == self.opened[one]
            assert min(paid, left, voided) >= 0
            assert now.is_open == (left > 0)
        if self.parts:
            sums = [sum(part) for part in zip(*self.parts.values(), strict=True)]
            assert amounts(self.home, self.customer) == (sum(self.opened.values()), *sums)


@pytest.mark.slow
def test_promised_is_paid_open_and_voided_after_any_work(any_home: Settings) -> None:
    customers = (f"customer {number}" for number in count())
    with clock.at(NOON):
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            type("Here", (Work,), {"home": any_home, "customers": customers}),
            settings=how(max_examples=15, stateful_step_count=12, deadline=None),
        )
        assert checking.check(any_home).findings == []


def test_promises_opened_at_once_are_opened_once(any_home: Settings) -> None:
    one = Promise(("x",), "ann", "goodwill", "a credit", "test", "USD", 500)

    def open_it(_: int) -> int:
        with writing(engine_for(any_home)) as session:
            return ledger.open_promises(session, [one], by="eve", at=NOON)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(open_it, range(4))) == [0, 0, 0, 1]
    assert amounts(any_home) == (500, 0, 500, 0)
