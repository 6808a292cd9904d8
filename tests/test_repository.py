"""What must be true of the repository itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_no_module_has_grown_above_400_lines() -> None:
    assert [str(f) for f in tracked("*.py") if len(f.read_text().splitlines()) > 400] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locked_requirements_have_hashes_and_name_no_index(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==[^ ]+", text, flags=re.MULTILINE)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"--(extra-)?index-url|--find-links|https?://", text)


@pytest.mark.parametrize("name", ["core.txt", "serve.txt", "demo.txt"])
def test_a_storefront_installs_without_airflow(name: str) -> None:
    assert "airflow" not in (ROOT / "requirements" / name).read_text()


def test_the_command_line_is_documented_as_it_is() -> None:
    words = ["-m", "typer", "advocate.cli", "utils", "docs", "--name", "advocate", "--title", "Command line"]
    made = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    assert made.stdout.strip() == page.strip(), "the command line has changed; run `make docs`"


def test_relative_links_in_the_documents_lead_somewhere() -> None:
    lost = []
    for page in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                lost.append(f"{page.relative_to(ROOT)} -> {target}")
    assert lost == []
