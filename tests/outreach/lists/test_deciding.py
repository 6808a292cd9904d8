"""What an edited list does: all it says, under the rules of the desk, or nothing."""

import io
import json
from datetime import timedelta

import fastexcel
import pytest
import xlsxwriter
from sqlalchemy import select, update

from outreach import review
from outreach.choosing import Which
from outreach.lists.deciding import decide_by_list
from outreach.models import NoticeRow, WordsRow
from tests.outreach.lists.conftest import HOSTILE, as_csv, edited, notice_of, rows_of, states, taken
from tests.outreach.worlds import DAY, MORNING, night
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, FlawedListError, ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import Settings

BOTH_WAYS = {"ada": ("approve", ""), "ben": ("hold", "odd price")}
PROPOSED = {"ada": "proposed", "ben": "proposed", HOSTILE: "proposed"}


def what_is_wrong(home: Settings, content: bytes, by: str = "eve") -> list[tuple[int, str, bool]]:
    with pytest.raises(FlawedListError, match="nothing was changed") as caught:
        decide_by_list(home, "latest", content, by=by)
    return [(flaw.row, flaw.what, flaw.is_conflict) for flaw in caught.value.flaws]


def people(home: Settings) -> None:
    for name, role in (("ann", Role.ADMIN), ("eve", Role.APPROVER), ("bob", Role.APPROVER)):
        accounts.add(home, name, role, by="ann", password=None)
    accounts.add(home, "rita", Role.REVIEWER, by="ann", password=None)
    accounts.add(home, "vic", Role.VIEWER, by="ann", password=None)


def test_each_row_decides_about_its_notice_with_its_own_reason(desk: Settings) -> None:
    decisions = BOTH_WAYS | {f"'{HOSTILE}": ("reject", "=1+1 is no name")}
    content = edited(taken(desk), decisions)
    with clock.at(MORNING):
        brought = decide_by_list(desk, "latest", content, by="eve")
    assert states(desk) == {"ada": "approved", "ben": "held", HOSTILE: "rejected"}
    assert {name: one.changed for name, one in brought.outcomes.items()} == {
        "reject": 1,
        "hold": 1,
        "approve": 1,
    }
    assert brought.outcomes["approve"].promised_minor == {"USD": 50}
    reasons = [review.history(desk, notice_of(desk, who))[-1]["reason"] for who in ("ada", "ben", HOSTILE)]
    assert reasons == ["as an edited list says", "odd price", "=1+1 is no name"]
    with reading(engine_for(desk)) as session:
        audit.verify(session)
        told = session.scalar(select(AuditRow.details).where(AuditRow.action == "batch.import"))
    assert json.loads(told or "") == {"decisions": {"approve": 1, "hold": 1, "reject": 1}}


def test_an_edited_workbook_does_the_same(desk: Settings) -> None:
    sheet = fastexcel.read_excel(taken(desk, "xlsx")).load_sheet(0).to_polars()
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, sheet.columns)
        for place, row in enumerate(sheet.iter_rows(named=True), 1):
            row |= dict(zip(("decision", "reason"), BOTH_WAYS.get(row["customer_id"], ("", "")), strict=True))
            page.write_row(place, 0, list(row.values()))
    decide_by_list(desk, "latest", file.getvalue(), by="eve")
    assert states(desk) == PROPOSED | {"ada": "approved", "ben": "held"}


def test_bringing_the_same_list_twice_is_a_conflict_and_changes_nothing(desk: Settings) -> None:
    content = edited(taken(desk), BOTH_WAYS)
    decide_by_list(desk, "latest", content, by="eve")
    assert what_is_wrong(desk, content) == [
        (3, "was changed since the list was made (version 1, now 2); look again", True),
        (4, "was changed since the list was made (version 1, now 2); look again", True),
    ]
    assert states(desk) == PROPOSED | {"ada": "approved", "ben": "held"}


def test_a_notice_decided_about_meanwhile_stops_the_whole_list(desk: Settings) -> None:
    content = edited(taken(desk), BOTH_WAYS)
    review.hold(desk, "latest", by="bob", reason="odd", which=Which([notice_of(desk, "ben")]))
    assert [(row, conflict) for row, _, conflict in what_is_wrong(desk, content)] == [(4, True)]
    assert states(desk) == PROPOSED | {"ben": "held"}


def test_what_cannot_become_of_a_notice_is_a_conflict(desk: Settings) -> None:
    review.reject(desk, "latest", by="bob", reason="no", which=Which([notice_of(desk, "ada")]))
    content = edited(taken(desk), {"ada": ("approve", "")})
    assert what_is_wrong(desk, content) == [(3, "is rejected and cannot become approved any more", True)]


def test_a_notice_that_is_there_already_is_left_alone(desk: Settings) -> None:
    review.approve(desk, "latest", by="bob", which=Which([notice_of(desk, "ada")]))
    brought = decide_by_list(desk, "latest", edited(taken(desk), {"ada": ("approve", "")}), by="eve")
    assert (brought.outcomes["approve"].changed, brought.outcomes["approve"].unchanged) == (0, 1)
    assert brought.entry is None


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("decision", "approved", "has a decision that is none; write reject, hold, approve, or nothing"),
        ("decision", "=approve", "has a decision that is none; write reject, hold, approve, or nothing"),
        ("version", "", "has a version that is no number; export the list again"),
        ("version", "1.5", "has a version that is no number; export the list again"),
        ("version", "99999999999999999999", "has a version that is no number; export the list again"),
        ("reason", "", "has no reason; rejecting and holding take one"),
        ("reason", "x" * 501, "has a reason of more than 500 letters"),
        ("reason", "a\x07b", "has a reason with characters that are no text"),
        ("notice_id", "", "is about no notice: its notice_id is none"),
        ("notice_id", "' OR 1=1 --", "is about no notice: its notice_id is none"),
        ("notice_id", "00000000-0000-5000-8000-000000000000", "is about a notice that there is not"),
    ],
)
def test_a_row_that_is_not_as_it_should_be_stops_the_whole_list(
    desk: Settings, column: str, value: str, says: str
) -> None:
    rows = rows_of(edited(taken(desk), {"ada": ("approve", ""), "ben": ("hold", "odd")}))
    rows[2][column] = value
    assert what_is_wrong(desk, as_csv(rows)) == [(4, says, False)]
    assert states(desk) == PROPOSED


def test_two_rows_about_one_notice_are_refused_even_if_only_one_decides(desk: Settings) -> None:
    rows = rows_of(edited(taken(desk), {"ada": ("approve", "")}))
    twice = as_csv([*rows, rows[1] | {"decision": ""}])
    assert what_is_wrong(desk, twice) == [(3, "is one of several rows about this notice; leave one", False)]


def test_notices_of_another_batch_are_refused(desk: Settings) -> None:
    content = edited(taken(desk), {"ada": ("approve", "")})
    other = review.list_batches(desk)[0]
    night(desk, DAY + timedelta(days=1))
    assert review.list_batches(desk)[0]["batch_id"] != other["batch_id"]
    assert what_is_wrong(desk, content) == [
        (3, "is about a notice of another batch; bring it to that one", False)
    ]
    assert decide_by_list(desk, str(DAY), content, by="eve").day == DAY


def test_versions_and_decisions_are_read_as_spreadsheets_write_them(desk: Settings) -> None:
    rows = rows_of(edited(taken(desk), {"ada": (" Approve ", "")}))
    rows[1]["version"] = "1.0"
    decide_by_list(desk, "latest", as_csv(rows, delimiter=";", encoding="utf-16"), by="eve")
    assert states(desk)["ada"] == "approved"


def test_a_list_without_decisions_and_a_batch_there_is_not_are_said(desk: Settings) -> None:
    with pytest.raises(SettingsError, match="no row of the list has a decision"):
        decide_by_list(desk, "latest", taken(desk), by="eve")
    with pytest.raises(NotFoundError, match="there is no batch"):
        decide_by_list(desk, "2001-01-01", edited(taken(desk), BOTH_WAYS), by="eve")


def test_roles_and_the_author_rule_hold_for_lists(desk: Settings) -> None:
    people(desk)
    approving, holding = (edited(taken(desk), one) for one in (BOTH_WAYS, {"ben": ("hold", "odd")}))
    with pytest.raises(ForbiddenError, match="takes the role approver; yours is reviewer"):
        decide_by_list(desk, "latest", approving, by="rita")
    for nobody in ("vic", "mallory"):
        with pytest.raises(ForbiddenError):
            decide_by_list(desk, "latest", holding, by=nobody)
    review.submit(desk, "latest", by="eve")
    with pytest.raises(ForbiddenError, match="another person has to approve it"):
        decide_by_list(desk, "latest", approving, by="eve")
    assert states(desk) == PROPOSED
    decide_by_list(desk, "latest", holding, by="rita")
    assert states(desk) == PROPOSED | {"ben": "held"}


def test_above_the_limits_the_same_list_of_a_second_person_approves(desk: Settings) -> None:
    limited = desk.model_copy(update={"desk": desk.desk.model_copy(update={"two_above_notices": 1})})
    people(limited)
    content = edited(taken(limited), {"ada": ("approve", ""), "ben": ("approve", "read it")})
    assert decide_by_list(limited, "latest", content, by="eve").agreed == 2
    assert decide_by_list(limited, "latest", content, by="eve").agreed == 2
    assert states(limited) == PROPOSED
    assert decide_by_list(limited, "latest", content, by="bob").outcomes["approve"].changed == 2
    assert states(limited) == PROPOSED | {"ada": "approved", "ben": "approved"}


def test_what_fails_at_the_end_takes_the_beginning_back(desk: Settings) -> None:
    with writing(engine_for(desk)) as session:
        ada = update(NoticeRow).where(NoticeRow.customer_id == "ada").returning(NoticeRow.notice_id)
        spoilt = session.scalar(ada.values(fit_for=None))
        words = update(WordsRow).where(WordsRow.notice_id == spoilt)
        session.execute(words.values(text="Buy more milk!", html="<p>Buy more milk!</p>"))
    content = edited(taken(desk), BOTH_WAYS)
    with pytest.raises(ConflictError, match="cannot be approved"):
        decide_by_list(desk, "latest", content, by="eve")
    assert states(desk) == PROPOSED
