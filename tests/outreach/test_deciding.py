"""Decisions about many: filters, undoing, a second person, edits that reopen what was approved."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import review
from outreach.agreement import is_above
from outreach.auditing import check_decisions
from outreach.choosing import Which
from outreach.editing import Edits, edit, preview
from outreach.listing import Filter, page, sample
from outreach.models import NoticeRow, WordsRow
from outreach.promises import checking
from outreach.review import find_batch
from outreach.testing import send_test
from tests.conftest import BOTH, copy_of, migrated_on
from tests.outreach.test_review import balance, notice_of, states
from tests.outreach.test_sending import send_at
from tests.outreach.worlds import EVERYTHING, MORNING, fill, night, shop
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.errors import ConflictError, ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import DeskSettings, Settings

pytestmark = pytest.mark.usefixtures("morning")
LATER = MORNING + timedelta(hours=1)


@pytest.fixture(scope="module", params=BOTH)
def proposed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = copy_of(migrated_on(request), tmp_path_factory.mktemp("proposed") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, shop("ann", "bob", "cleo"))
    with clock.at(MORNING):
        night(home)
    return home


@pytest.fixture
def morning() -> Iterator[None]:
    """When all of this happens."""
    with clock.at(MORNING):
        yield


@pytest.fixture
def desk(proposed: Settings, tmp_path: Path) -> Settings:
    """A batch with a notice each for Ann, Bob and Cleo."""
    return copy_of(proposed, tmp_path / "home")


@pytest.fixture
def staffed(desk: Settings) -> Settings:
    """The same with accounts."""
    accounts.add(desk, "root", Role.ADMIN, by="root", password=None)
    for name, role in {"eve": Role.APPROVER, "max": Role.APPROVER, "rita": Role.REVIEWER}.items():
        accounts.add(desk, name, role, by="root", password=None)
    return desk


def limited(home: Settings, notices: int = 10**6, **money: int) -> Settings:
    limits = DeskSettings(two_above_notices=notices, two_above_minor=money or {"default": 10**9})
    return home.model_copy(update={"desk": limits})


def assert_sound(home: Settings) -> None:
    """The log fits the history, and the ledger fits the notices."""
    with reading(engine_for(home)) as session:
        audit.verify(session)
        check_decisions(session)
    assert checking.check(home).findings == []


def named(home: Settings, asked: Filter, **how: object) -> list[str]:
    with reading(engine_for(home)) as session:
        found = page(session, find_batch(session, "latest"), asked, **how)  # type: ignore[arg-type]
        assert found.total == len(found.notices)
        return [one["customer_id"] for one in found.notices]


def version_of(home: Settings, notice_id: str) -> int:
    with reading(engine_for(home)) as session:
        row = session.get(NoticeRow, notice_id)
        assert row is not None
        return row.version


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Filter(), ["ann", "bob", "cleo"]),
        (Filter(text="BOB"), ["bob"]),
        (Filter(text="fresh MILK"), ["ann", "bob", "cleo"]),
        (Filter(text="order of c"), ["cleo"]),
        (Filter(text="100%"), []),
        (Filter(text="_"), []),
        (Filter(text="ann@example.org"), []),
        (Filter(kind="price_drop"), ["ann", "bob", "cleo"]),
        (Filter(kind="price"), []),
        (Filter(channel="file", purpose="service", market="default", currency="USD"), ["ann", "bob", "cleo"]),
        (Filter(channel="sms"), []),
        (Filter(least_minor=50, most_minor=50), ["ann", "bob", "cleo"]),
        (Filter(least_minor=51), []),
        (Filter(risk="first_contact"), ["ann", "bob", "cleo"]),
        (Filter(risk="outlier"), []),
        (Filter(risk="any", state="proposed"), ["ann", "bob", "cleo"]),
        (Filter(state="held"), []),
    ],
)
def test_a_filter_finds_what_it_says(proposed: Settings, asked: Filter, found: list[str]) -> None:
    assert named(proposed, asked, sort="customer") == found


def test_a_sample_is_drawn_by_its_seed(proposed: Settings) -> None:
    with reading(engine_for(proposed)) as session:
        batch = find_batch(session, "latest")
        drawn = [
            sample(session, batch, Filter(), seed=seed).notices for seed in ("1", *map(str, range(1, 40)))
        ]
    assert drawn[0] == drawn[1]
    assert len({tuple(one["notice_id"] for one in some) for some in drawn}) > 1
    assert {len(some) for some in drawn} == {3}


def test_a_decision_about_all_that_match_is_about_nothing_else(desk: Settings) -> None:
    which = Which(matching=Filter(text="bob").conditions())
    outcome = review.approve(desk, "latest", by="eve", which=which)
    assert (outcome.changed, outcome.promised_minor) == (1, {"USD": 50})
    assert states(desk) == {"ann": "proposed", "bob": "approved", "cleo": "proposed"}
    with pytest.raises(
        ConflictError, match="nothing that matches and is proposed, only 1 approved, 2 proposed"
    ):
        review.approve(desk, "latest", by="eve", which=Which(matching=Filter(text="nobody").conditions()))
    assert_sound(desk)


def test_held_notices_are_approved_by_a_filter_only_if_it_asks_for_them(desk: Settings) -> None:
    review.hold(desk, "latest", by="eve", reason="odd", which=Which([notice_of(desk, "ann")]))
    everything = Which(matching=Filter(kind="price_drop").conditions())
    assert review.approve(desk, "latest", by="eve", which=everything).changed == 2
    held = Which(matching=Filter(state="held").conditions(), states=["held"])
    assert review.approve(desk, "latest", by="eve", which=held).changed == 1
    assert set(states(desk).values()) == {"approved"}


@pytest.mark.parametrize("decide", [review.reject, review.hold, review.approve])
def test_a_batch_that_changed_since_it_was_looked_at_is_not_decided_about(
    desk: Settings, decide: object
) -> None:
    version = review.show_batch(desk)["version"]
    review.hold(desk, "latest", by="max", reason="odd", which=Which([notice_of(desk, "ann")]))
    with pytest.raises(ConflictError, match=r"was changed since you looked at it \(version 1, now 2\)"):
        decide(desk, "latest", by="eve", reason="yes", version=version)  # type: ignore[operator]
    assert states(desk) == {"ann": "held", "bob": "proposed", "cleo": "proposed"}


def test_an_approval_is_taken_back_and_given_again(desk: Settings) -> None:
    entry = review.approve(desk, "latest", by="eve").entry
    assert entry is not None
    undone = review.undo(desk, "latest", entry, by="rita", reason="too early")
    assert (undone.changed, undone.voided) == (3, 3)
    assert set(states(desk).values()) == {"proposed"}
    assert balance(desk, "ann") == (50, 0, 0, 50)
    assert review.list_batches(desk)[0]["state"] == "in_review"
    assert_sound(desk)
    again = review.approve(desk, "latest", by="eve")
    assert (again.changed, again.overtaken, again.promised_minor) == (3, 0, {"USD": 150})
    assert balance(desk, "ann") == (50, 0, 50, 0)
    assert_sound(desk)
    assert send_at(LATER, desk).rows_out["notices"] == 3


def test_undoing_leads_back_to_what_it_was_and_never_to_approved(desk: Settings) -> None:
    ann = Which([notice_of(desk, "ann")])
    review.hold(desk, "latest", by="rita", reason="odd", which=ann)
    approved = review.approve(desk, "latest", by="eve", which=ann).entry
    rejected = review.reject(desk, "latest", by="rita", reason="no").entry
    assert approved is not None
    assert rejected is not None
    with pytest.raises(ConflictError, match="nothing of decision"):
        review.undo(desk, "latest", approved, by="rita", reason="again")
    assert review.undo(desk, "latest", rejected, by="rita", reason="look again").changed == 3
    assert states(desk) == {"ann": "proposed", "bob": "proposed", "cleo": "proposed"}
    assert balance(desk, "ann") == (50, 0, 0, 50)
    assert_sound(desk)


def test_what_was_sent_is_not_taken_back(desk: Settings) -> None:
    with clock.at(MORNING):
        entry = review.approve(desk, "latest", by="eve").entry
    assert entry is not None
    assert send_at(LATER, desk).rows_out["notices"] == 3
    with pytest.raises(ConflictError, match="it was sent, or decided about again"):
        review.undo(desk, "latest", entry, by="eve", reason="oh")
    with pytest.raises(NotFoundError, match="has no decision 99"):
        review.undo(desk, "latest", 99, by="eve", reason="oh")


def test_above_a_limit_two_people_approve_the_same_words(staffed: Settings) -> None:
    home = limited(staffed, notices=2)
    first = review.approve(home, "latest", by="eve")
    assert (first.changed, first.agreed, first.promised_minor) == (0, 3, {})
    assert set(states(home).values()) == {"proposed"}
    assert review.approve(home, "latest", by="eve").agreed == 3
    second = review.approve(home, "latest", by="max")
    assert (second.changed, second.agreed, second.promised_minor) == (3, 0, {"USD": 150})
    assert_sound(home)


def test_approving_bit_by_bit_does_not_get_round_the_limit(staffed: Settings) -> None:
    home = limited(staffed, USD=100)
    one_by_one = [
        review.approve(home, "latest", by="eve", which=Which([notice_of(home, name)]))
        for name in ("ann", "bob", "cleo")
    ]
    assert [(one.changed, one.agreed) for one in one_by_one] == [(1, 0), (1, 0), (0, 1)]


def test_an_edit_takes_back_what_was_agreed(staffed: Settings) -> None:
    home = limited(staffed, notices=2)
    review.approve(home, "latest", by="eve")
    ann = notice_of(home, "ann")
    edit(home, ann, Edits(note="Thank you."), by="rita", version=version_of(home, ann))
    second = review.approve(home, "latest", by="max")
    assert (second.changed, second.agreed) == (2, 1)
    assert states(home)["ann"] == "proposed"
    assert review.approve(home, "latest", by="eve").changed == 1


def test_the_author_may_not_approve(staffed: Settings) -> None:
    ann = notice_of(staffed, "ann")
    edit(staffed, ann, Edits(note="Thank you."), by="eve", version=version_of(staffed, ann))
    with pytest.raises(ForbiddenError, match="eve edited or submitted"):
        review.approve(staffed, "latest", by="eve", which=Which([notice_of(staffed, "bob")]))
    assert review.approve(staffed, "latest", by="max").changed == 3
    review.submit(staffed, "latest", by="max")
    with pytest.raises(ForbiddenError, match="max edited or submitted"):
        review.approve(staffed, "latest", by="max")


@given(
    st.dictionaries(st.sampled_from(["USD", "EUR", None]), st.tuples(st.integers(0, 9), st.integers(0, 99))),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from(["USD", "default"]), st.integers(0, 99)),
)
def test_one_person_is_enough_only_below_every_limit(
    sums: dict[str | None, tuple[int, int]], notices: int, money: dict[str, int]
) -> None:
    limits = DeskSettings(two_above_notices=notices, two_above_minor=money)
    below = sum(count for count, _ in sums.values()) <= notices and all(
        total <= money.get(currency, money.get("default", 0))
        for currency, (_, total) in sums.items()
        if currency is not None
    )
    assert is_above(sums, limits) is not below


def test_an_edit_changes_words_and_nothing_else(desk: Settings) -> None:
    ann = notice_of(desk, "ann")
    told = next(one for one in review.show_batch(desk)["notices"] if one["notice_id"] == ann)["opportunities"]
    names = {told[0]["opportunity_id"]: {"item": "A litre of milk"}}
    before, digest = preview(desk, ann, Edits()), review.show_batch(desk)["digest"]
    draft = edit(desk, ann, Edits(note="Thank you.", names=names), by="rita", version=1)
    assert (
        before.message.text.replace("Hello,\n", "Hello,\n\nThank you.\n", 1).replace(
            "Fresh milk", "A litre of milk"
        )
        == draft.message.text
    )
    with reading(engine_for(desk)) as session:
        words = session.get(WordsRow, ann)
        assert words is not None
        assert (words.text, words.html) == (draft.message.text, draft.message.html)
    assert review.show_batch(desk)["digest"] != digest
    assert edit(desk, ann, Edits(), by="rita", version=2).content_hash == before.content_hash
    assert review.show_batch(desk)["digest"] == digest
    review.approve(desk, "latest", by="eve")
    assert send_at(LATER, desk).rows_out["notices"] == 3


def test_an_edit_of_what_was_approved_promises_nothing_until_it_is_approved_again(desk: Settings) -> None:
    review.approve(desk, "latest", by="eve")
    ann = notice_of(desk, "ann")
    edit(desk, ann, Edits(note="Thank you."), by="rita", version=version_of(desk, ann))
    assert states(desk)["ann"] == "proposed"
    assert balance(desk, "ann") == (50, 0, 0, 50)
    assert send_at(LATER, desk).rows_out["notices"] == 2
    assert_sound(desk)
    review.approve(desk, "latest", by="max")
    assert balance(desk, "ann") == (50, 0, 50, 0)
    assert_sound(desk)


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        (Edits(note="You get 5 more."), "numbers come from evidence only"),
        (Edits(note="See https://evil.example"), "messages carry only the shop's"),
        (Edits(note="Buy now and save"), "promotes"),
        (Edits(note="x" * 301), "at most 300"),
        (Edits(names={"nothing": {"item": "x"}}), "cannot be edited"),
    ],
)
def test_what_may_not_be_said_is_not_saved(desk: Settings, edits: Edits, says: str) -> None:
    ann = notice_of(desk, "ann")
    with pytest.raises(ConflictError, match=says):
        edit(desk, ann, edits, by="rita", version=1)
    assert version_of(desk, ann) == 1


@pytest.mark.parametrize("field", ["amount_minor", "rule", "line_total_minor"])
def test_amounts_and_rules_cannot_be_edited(desk: Settings, field: str) -> None:
    ann = notice_of(desk, "ann")
    told = next(one for one in review.show_batch(desk)["notices"] if one["notice_id"] == ann)["opportunities"]
    with pytest.raises(ConflictError, match="cannot be edited"):
        edit(desk, ann, Edits(names={told[0]["opportunity_id"]: {field: "9"}}), by="rita", version=1)


def test_what_is_edited_is_text_whatever_it_looks_like(desk: Settings) -> None:
    draft = preview(desk, notice_of(desk, "ann"), Edits(note="{{ shop }} {% if x %} <script>x</script>"))
    assert "{{ shop }} {% if x %} <script>x</script>" in draft.message.text
    assert "{{ shop }} {% if x %} &lt;script&gt;x&lt;/script&gt;" in draft.message.html


def test_two_edits_at_once_do_not_overwrite_each_other(desk: Settings) -> None:
    ann = notice_of(desk, "ann")
    edit(desk, ann, Edits(note="Thank you."), by="rita", version=1)
    with pytest.raises(ConflictError, match=r"version 1, now 2\); nothing was saved"):
        edit(desk, ann, Edits(note="Sorry."), by="eve", version=1)


def test_a_test_goes_to_who_asked_and_counts_for_nothing(desk: Settings) -> None:
    ann = notice_of(desk, "ann")
    sent = send_test(desk, ann, to="eve@example.org", by="eve")
    (file,) = desk.outbox_folder.glob("tests/*.json")
    assert file.stem == sent
    assert '"to": "eve@example.org"' in file.read_text()
    assert states(desk)["ann"] == "proposed"
    review.approve(desk, "latest", by="eve")
    assert send_at(LATER, desk).rows_out["notices"] == 3
    with pytest.raises(SettingsError, match="cannot be an address"):
        send_test(desk, ann, to="a@b\r\nbcc: c@d", by="eve")


def test_a_name_that_is_no_longer_there_is_said(desk: Settings) -> None:
    with pytest.raises(NotFoundError, match="there is no notice 'x'"):
        preview(desk, "x", Edits())
