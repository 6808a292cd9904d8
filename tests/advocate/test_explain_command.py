"""`advocate explain`, as somebody reads it who was asked about a customer."""

import pytest

from outreach import review
from tests.advocate.terminal import advocate, told
from tests.outreach.test_unsaid import found, night_with
from tests.outreach.worlds import DAY, EVERYTHING, fill
from warehouse.settings import Settings

pytestmark = pytest.mark.slow


def test_what_is_theirs_without_a_message_is_shown_to_people_and_machines(settings: Settings) -> None:
    """Ann agreed to nothing, so she hears nothing of her right; Bob has none."""
    town = settings.model_copy(update={"outreach": EVERYTHING})
    fill(town, {"customers": [{"customer_id": "ann"}, {"customer_id": "bob", "person_id": "bob"}]})
    night_with(town, found("ann"), found("bob", 100, owed="policy"))
    words = ("--day", DAY.isoformat())
    for state in ("proposed", "approved"):
        shown = told(advocate(town.home, "explain", "ann", *words, "--json"))
        assert isinstance(shown, dict)
        (right,) = shown["rights"]
        assert (right["amount_minor"], right["currency"], right["state"]) == (300, "USD", state)
        said = advocate(town.home, "explain", "ann", *words).stdout
        assert "silent – no_consent" in said
        (line,) = [line for line in said.splitlines() if "theirs without a message" in line]
        assert right["notice_id"] in line
        assert line.endswith(f"{state}: 3.00 USD")
        if state == "proposed":
            review.approve(town, "latest", by="eve")
    assert "theirs without a message" not in advocate(town.home, "explain", "bob", *words).stdout
