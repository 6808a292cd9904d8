"""Lists at the desk: taken home, edited, brought back."""

import csv
import io
import re
from typing import Any

import httpx
import polars as pl
import pytest

from advocate.serving.limits import MAX_BODY, MAX_LIST
from outreach.lists.writing import COLUMNS
from tests.outreach.web.conftest import Person, SignIn
from warehouse.settings import Settings

pytestmark = pytest.mark.anyio
BATCH = "/batches/latest"
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


async def takes(person: Person, ending: str = "csv", query: str = "", status: int = 200) -> httpx.Response:
    answer = await person.http.get(f"/desk{BATCH}/export.{ending}{query}")
    assert answer.status_code == status, answer.text
    return answer


async def brings(
    person: Person, content: bytes, status: int, *, name: str = "list.csv", **headers: str
) -> httpx.Response:
    found = TOKEN.search(await person.sees(BATCH))
    assert found is not None
    answer = await person.http.post(
        f"/desk{BATCH}/import",
        data={"form_token": found[1]},
        files={"list": (name, content, "application/octet-stream")},
        headers=headers,
    )
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def as_csv(rows: list[dict[str, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


async def states(person: Person) -> dict[str, str]:
    notices: list[dict[str, Any]] = (await person.reads(f"{BATCH}.json"))["notices"]
    return {notice["customer_id"]: notice["state"] for notice in notices}


async def test_the_batch_page_leads_to_each_kind_of_list(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    page = await rita.sees(f"{BATCH}?kind=price_drop&sort=largest")
    for ending in ("csv", "xlsx", "parquet"):
        assert f'/export.{ending}?kind=price_drop&amp;sort=largest"' in page
    read = pl.read_parquet(io.BytesIO((await takes(rita, "parquet")).content))
    assert sorted(read["customer_id"]) == ["ada", "ben", "cleo"]
    assert (await takes(rita, "xlsx")).content.startswith(b"PK")


async def test_the_name_of_the_file_is_ours_alone(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    answer = await takes(rita, query="?text=%0d%0aset-cookie:x%3d1&market=..%2F..%2Fetc")
    assert answer.headers["content-disposition"] == 'attachment; filename="batch-2017-11-30.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "nosniff" in answer.headers["x-content-type-options"]
    assert "x" not in answer.cookies
    for path in ("..%2f..%2fetc%2fpasswd", "%0d%0ax", "2017-11-30%00"):
        answer = await rita.http.get(f"/desk/batches/{path}/export.csv")
        assert answer.status_code in (400, 404, 422)
        assert "content-disposition" not in answer.headers


async def test_only_what_was_filtered_for_is_in_it(signed_in: SignIn) -> None:
    rita = await signed_in("rita")
    assert [row["customer_id"] for row in rows_of(await takes(rita, query="?text=ben"))] == ["ben"]
    await takes(rita, query="?sort=odd", status=422)
    await takes(rita, query="?text=a%00b", status=422)


async def test_a_viewer_gets_stand_ins_and_a_stranger_nothing(signed_in: SignIn, visit: Any) -> None:
    vic = await signed_in("vic")
    content = (await takes(vic)).text
    assert all(row["customer_id"].startswith("#") for row in rows_of(await takes(vic)))
    assert not re.search(r"\b(ada|ben|cleo)\b", content)
    await takes(await visit(), status=303)


async def test_an_edited_list_decides_and_the_page_says_so(signed_in: SignIn) -> None:
    eve = await signed_in("eve")
    rows = rows_of(await takes(eve))
    for row in rows:
        row["decision"], row["reason"] = ("hold", "odd") if row["customer_id"] == "ben" else ("approve", "")
    answer = await brings(eve, as_csv(rows), 303)
    page = (await eve.http.get(answer.headers["location"])).text
    assert "The list decided about 3 notices" in page
    assert await states(eve) == {"ada": "approved", "ben": "held", "cleo": "approved"}


async def test_what_is_wrong_is_listed_by_row_and_nothing_is_changed(signed_in: SignIn) -> None:
    eve = await signed_in("eve")
    rows = rows_of(await takes(eve))
    for row in rows:
        row["decision"] = "approve"
    rows[0]["decision"] = "<script>alert(1)</script>"
    rows[1]["notice_id"] = "<img src=x onerror=alert(1)>"
    answer = await brings(eve, as_csv(rows), 422)
    assert "<strong>2</strong> rows cannot be carried out" in answer.text
    assert "has a decision that is none" in answer.text
    assert "<img src=x" not in answer.text
    assert "&lt;img src=x" in answer.text
    told = (await brings(eve, as_csv(rows), 422, accept="application/json")).json()
    assert [(flaw["row"], flaw["is_conflict"]) for flaw in told["flaws"]] == [(2, False), (3, False)]
    assert set((await states(eve)).values()) == {"proposed"}


async def test_a_notice_changed_since_is_a_conflict_that_leads_to_it(signed_in: SignIn) -> None:
    eve, rita = await signed_in("eve"), await signed_in("rita")
    rows = rows_of(await takes(eve))
    for row in rows:
        row["decision"] = "approve"
    notice = rows[0]["notice_id"]
    await rita.sends(f"{BATCH}/decide", action="hold", scope="selected", notice=notice, reason="odd")
    answer = await brings(eve, as_csv(rows), 409)
    assert f'href="/desk/notices/{notice}"' in answer.text
    assert "was changed since the list was made (version 1, now 2)" in answer.text


async def test_lists_are_refused_from_whom_the_rules_refuse_decisions(signed_in: SignIn, visit: Any) -> None:
    rita, vic = await signed_in("rita"), await signed_in("vic")
    rows = rows_of(await takes(rita))
    for row in rows:
        row["decision"] = "approve"
    content = as_csv(rows)
    await brings(rita, content, 403)
    await brings(vic, content, 403)
    forged = {"list": ("x.csv", content, "text/csv")}
    assert (await rita.http.post(f"/desk{BATCH}/import", files=forged)).status_code == 403
    stranger = await visit()
    assert (await stranger.http.post(f"/desk{BATCH}/import", files=forged)).status_code == 303
    assert set((await states(rita)).values()) == {"proposed"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04not a workbook", "cannot be read as an XLSX"),
        (b"notice_id,version,decision,reason\n", "no row of the list has a decision"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
    ],
)
async def test_what_is_no_list_is_said(signed_in: SignIn, content: bytes, says: str) -> None:
    eve = await signed_in("eve")
    assert says in (await brings(eve, content, 422)).text


async def test_a_list_may_be_larger_than_other_forms_and_not_vast(signed_in: SignIn) -> None:
    eve = await signed_in("eve")
    rows = rows_of(await takes(eve))
    filler = b",,,,,,,,%s,,,,,\r\n" % (b"x" * 30_000)
    large = as_csv(rows) + filler * (3 * MAX_BODY // len(filler))
    assert "no row of the list has a decision" in (await brings(eve, large, 422)).text
    vast = b"x" * (MAX_LIST + 1)
    assert "larger than 20,971,520 bytes" in (await brings(eve, vast, 413)).text
    token = {"form_token": "x", "reason": "x" * (MAX_BODY + 1)}
    answer = await eve.http.post(f"/desk{BATCH}/decide", data=token)
    assert answer.status_code == 413
    answer = await eve.http.post(f"/desk{BATCH}/import", data={"form_token": "x", "list": "x" * 10_000_000})
    assert answer.status_code in (400, 403)


async def test_two_files_or_a_text_in_place_of_one_are_refused(
    signed_in: SignIn, desk_home: Settings
) -> None:
    eve = await signed_in("eve")
    found = TOKEN.search(await eve.sees(BATCH))
    assert found is not None
    token = {"form_token": found[1]}
    for given in (
        {"data": token | {"list": "a text"}},
        {"data": token, "files": [("list", ("a", b"a")), ("list", ("b", b"b"))]},
    ):
        answer = await eve.http.post(f"/desk{BATCH}/import", **given)  # type: ignore[arg-type]
        assert (answer.status_code, "send one file" in answer.text) == (422, True)
