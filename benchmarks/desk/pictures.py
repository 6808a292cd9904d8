"""Pictures of every page of the desk, for docs/pictures.

    python -m benchmarks.desk.pictures HOME [--out docs/pictures]

Copies a home (that of `make demo`), makes accounts in the copy, serves it, and looks at each page with a real
Chromium: on a wide screen, and the list once more on a phone and in the dark. Between the pages where people
decide and those that tell how it went on, it decides, sends and pays as people would.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, sync_playwright

from advocate.database import upgrade
from benchmarks.desk.run import PASSWORD, free_port
from benchmarks.scoring.servers import ours, serving
from outreach import review
from outreach.choices.links import Links
from outreach.promises import desk, goodwill
from outreach.promises.accounts import Standing, listed
from outreach.sending import send
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.settings import Settings, load_settings

WIDE: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONGEST = 1100
"""Pixels of a page that a picture shows."""
ACCOUNTS = {"ann": Role.ADMIN, "eve": Role.APPROVER, "rita": Role.REVIEWER}


@contextmanager
def copied(home: Path) -> Iterator[Settings]:
    """A copy of a home with accounts, which is thrown away."""
    with tempfile.TemporaryDirectory(prefix="advocate-pictures-") as scratch:
        copy = Path(scratch) / "home"
        shutil.copytree(home, copy)
        settings = load_settings(home=copy)
        upgrade(settings)
        for name, role in ACCOUNTS.items():
            accounts.add(settings, name, role, by="ann", password=PASSWORD)
        yield settings


def undecided(settings: Settings) -> dict[str, str]:
    """The paths of what people decide about, by the names of their pictures."""
    batch = review.show_batch(settings)
    fell = [one for one in batch["notices"] if "price_drop" in one["kinds"]] or batch["notices"]
    notice = max(fell, key=lambda one: (one["amount_minor"] or 0, one["notice_id"]))
    return {
        "tonight": "tonight",
        "batch": f"batches/{batch['day']}",
        "notice": f"notices/{notice['notice_id']}",
    }


def decide(settings: Settings) -> Standing:
    """A day of work: what is proposed is approved and sent, one promise is paid; returns one that is open."""
    noon = datetime.combine(clock.now().date() - timedelta(days=1), time(12), UTC)
    with clock.at(noon):
        review.approve(settings, "latest", by="eve", reason="read twenty at random")
    with clock.at(noon + timedelta(hours=1)):
        send(settings, allow_old=True)
        with reading(engine_for(settings)) as session:
            paid, left, *_ = sorted(
                listed(session), key=lambda one: (-(one.amount_minor or 0), one.promise_id)
            )
        desk.pay(settings, paid.promise_id, reference="transfer 1", by="eve")
        goodwill.grant(settings, left.customer_id, 200, "USD", by="rita", why="waited long for an answer")
    return left


def decided(settings: Settings, promise: Standing) -> dict[str, str]:
    """The paths of what tells how it went on."""
    return {
        "customers": "customers",
        "customer": f"customers/{promise.customer_id}",
        "why-not": "why-not",
        "ledger": "ledger",
        "promise": f"ledger/{promise.promise_id}",
        "results": "results",
        "quality": "quality",
        "rules": "rules",
        "yours": f"../yours/{Links(settings).token(promise.customer_id, clock.now() + timedelta(days=30))}",
    }


def take(browser: Browser, url: str, pages: dict[str, str], out: Path, *, everywhere: str = "") -> None:
    """Takes pictures of pages; of the one that is named also on a phone and in the dark."""
    wide = _signed_in(browser, url, viewport=WIDE)
    for name, path in pages.items():
        wide.goto(f"{url}/desk/{path}")
        _look(wide, out / f"{name}.png")
    if everywhere:
        others: dict[str, dict[str, Any]] = {"phone": {"viewport": PHONE}}
        others["dark"] = {"viewport": WIDE, "color_scheme": "dark"}
        for name, how in others.items():
            page = _signed_in(browser, url, **how)
            page.goto(f"{url}/desk/{pages[everywhere]}")
            _look(page, out / f"{everywhere}-{name}.png")


def _signed_in(browser: Browser, url: str, **how: Any) -> Page:
    page = browser.new_context(**how).new_page()
    page.goto(f"{url}/desk/")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tonight")
    return page


def _sign_in_page(browser: Browser, url: str, out: Path) -> None:
    page = browser.new_context(viewport=WIDE).new_page()
    page.goto(f"{url}/desk/sign-in")
    _look(page, out / "sign-in.png")


def _look(page: Page, file: Path) -> None:
    """The page from its top, as long as it is, or as anybody would scroll down a picture."""
    page.wait_for_load_state("networkidle")
    size = page.viewport_size or WIDE
    high = int(page.evaluate("document.documentElement.scrollHeight"))
    clip: FloatRect = {"x": 0, "y": 0, "width": size["width"], "height": min(high, LONGEST)}
    page.screenshot(path=file, full_page=True, clip=clip)


def main() -> None:
    """Takes pictures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no Chromium was found; `apt-get install chromium` has one")
    given.out.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with copied(given.home) as settings, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        command = [*ours(settings.home, port, 1), "--no-keys", "--quiet"]
        with serving(command, port, ready="/healthz") as (server, _):
            url = f"http://{server.host}:{server.port}"
            _sign_in_page(browser, url, given.out)
            take(browser, url, undecided(settings), given.out, everywhere="batch")
            take(browser, url, decided(settings, decide(settings)), given.out)
        browser.close()
    print(f"{len(list(given.out.glob('*.png')))} pictures are in {given.out}")


if __name__ == "__main__":
    main()
