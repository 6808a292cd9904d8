"""Pictures of every page of the desk, for docs/pictures.

    python -m benchmarks.desk.pictures HOME [--out docs/pictures]

Copies a home (that of `make demo`), makes accounts in the copy, serves it, and looks at each page with a real
Chromium: on a wide screen, and the list once more on a phone and in the dark.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from advocate.database import upgrade
from benchmarks.desk.run import PASSWORD, free_port
from benchmarks.scoring.servers import ours, serving
from outreach import review
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.settings import Settings, load_settings

WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
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


def pages_of(settings: Settings) -> dict[str, str]:
    """The paths of all pages, by the names of their pictures."""
    batch = review.show_batch(settings)
    money = [one for one in batch["notices"] if one["amount_minor"]] or batch["notices"]
    notice = max(money, key=lambda one: (one["amount_minor"] or 0, one["notice_id"]))
    return {
        "tonight": "tonight",
        "batch": f"batches/{batch['day']}",
        "notice": f"notices/{notice['notice_id']}",
        "customer": f"customers/{notice['customer_id']}",
        "why-not": "why-not",
        "ledger": "ledger",
        "results": "results",
        "quality": "quality",
        "rules": "rules",
    }


def take(browser: Browser, url: str, pages: dict[str, str], out: Path) -> None:
    """Takes all pictures."""
    wide = _signed_in(browser, url, viewport=WIDE)
    wide.goto(f"{url}/desk/sign-in")
    _look(wide, out / "sign-in.png")
    for name, path in pages.items():
        wide.goto(f"{url}/desk/{path}")
        _look(wide, out / f"{name}.png")
    others: dict[str, dict[str, Any]] = {"phone": {"viewport": PHONE}}
    others["dark"] = {"viewport": WIDE, "color_scheme": "dark"}
    for name, how in others.items():
        page = _signed_in(browser, url, **how)
        page.goto(f"{url}/desk/{pages['batch']}")
        _look(page, out / f"batch-{name}.png")


def _signed_in(browser: Browser, url: str, **how: Any) -> Page:
    page = browser.new_context(**how).new_page()
    page.goto(f"{url}/desk/")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tonight")
    return page


def _look(page: Page, file: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)


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
            take(browser, f"http://{server.host}:{server.port}", pages_of(settings), given.out)
        browser.close()
    print(f"{len(list(given.out.glob('*.png')))} pictures are in {given.out}")


if __name__ == "__main__":
    main()
