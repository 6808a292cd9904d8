"""What customers choose is written down once, and shown as it counts."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from features.models import ChoiceRow
from outreach.choices import choose, standing
from outreach.choices.offered import Offer
from outreach.choices.themes import THEMES
from outreach.choices.words import WORDS
from outreach.finders import FINDERS, FOR_CALLS
from outreach.slots import TOPICS
from tests.outreach.worlds import END, EVERYTHING, Rows, consenting, fill
from warehouse.access import audit
from warehouse.access.models import AuditRow
from warehouse.database import engine_for, reading, writing
from warehouse.errors import SettingsError
from warehouse.settings import RecsSettings, Settings
from warehouse.tombstones import named_in_log

NOON = END + timedelta(hours=12)
STOP = {"marketing": "off"}


def shop(home: Settings, consents: Rows | None = None, **customer: object) -> Settings:
    """A home with one customer, who agreed to everything if nothing else is said."""
    given = consenting("ann") if consents is None else consents
    fill(home, {"customers": [{"customer_id": "ann"} | customer], "consents": given})
    return home


def offers(home: Settings, customer: str = "ann") -> dict[str, Offer]:
    return {offer.what: offer for offer in standing(home, customer).offers}


def values(home: Settings, customer: str = "ann") -> dict[str, str]:
    return {what: offer.value for what, offer in offers(home, customer).items()}


def rows(home: Settings) -> int:
    with reading(engine_for(home)) as session:
        return session.scalar(select(func.count()).select_from(ChoiceRow)) or 0


def test_a_choice_is_kept_with_an_entry_of_the_log(any_home: Settings) -> None:
    shop(any_home)
    chosen = {"marketing": "off", "topic.cheaper": "off"}
    assert choose(any_home, "ann", chosen, "link-1", NOON) == chosen
    with reading(engine_for(any_home)) as session:
        entry = session.scalars(select(AuditRow).where(AuditRow.action == "customer.choose")).one()
        assert (entry.by, entry.at) == ("customer", NOON)
        assert entry.subject == named_in_log(any_home, "ann") != "ann"
        assert entry.details == '{"choices":{"marketing":"off","topic.cheaper":"off"},"link":"link-1"}'
        kept = session.scalars(select(ChoiceRow)).all()
        assert {(row.what, row.value, row.link_id, row.audit) for row in kept} == {
            (what, value, "link-1", entry.number) for what, value in chosen.items()
        }
        audit.verify(session)


def test_the_same_choice_twice_changes_nothing(any_home: Settings) -> None:
    shop(any_home)
    assert choose(any_home, "ann", STOP, "1", NOON) == STOP
    assert choose(any_home, "ann", STOP | {"messages": "on"}, "2", NOON + timedelta(hours=1)) == {}
    assert rows(any_home) == 1
    back = {"marketing": "on"}
    assert choose(any_home, "ann", back, "2", NOON + timedelta(hours=2)) == back
    assert rows(any_home) == 2


def test_a_stop_that_a_newer_feed_overruled_is_news_again(home: Settings) -> None:
    shop(home)
    choose(home, "ann", STOP, "1", NOON)
    fill(home, {"consents": [c | {"recorded_at": "2017-12-02"} for c in consenting("ann")]})
    assert values(home)["marketing"] == "on"
    assert choose(home, "ann", STOP, "1", NOON + timedelta(days=2)) == STOP
    assert values(home)["marketing"] == "off"


@pytest.mark.parametrize(
    "choices",
    [{"marketing": "maybe"}, {"fame": "on"}, {"channel": "email"}, {"topic.x": "on"}, {"channel": "on"}],
)
def test_what_cannot_be_chosen_is_refused_and_nothing_of_it_kept(
    home: Settings, choices: dict[str, str]
) -> None:
    shop(home)
    with pytest.raises(SettingsError, match=r"nobody can choose|cannot be"):
        choose(home, "ann", STOP | choices, "1", NOON)
    assert rows(home) == 0


def test_choices_only_grow(any_home: Settings) -> None:
    choose(any_home, "ann", STOP, "1", NOON)
    for statement in (update(ChoiceRow).values(value="on"), text("DELETE FROM choices")):
        with pytest.raises(DBAPIError, match="append-only"), writing(engine_for(any_home)) as session:
            session.execute(statement)
    assert rows(any_home) == 1


def test_reading_writes_nothing(any_home: Settings) -> None:
    shop(any_home)
    choose(any_home, "ann", STOP, "1", NOON)
    with reading(engine_for(any_home)) as session:
        before = audit.head_of(session)
    files = sorted(path for path in any_home.home.rglob("*") if "advocate.db" not in path.name)
    standing(any_home, "ann")
    standing(any_home, "nobody")
    with reading(engine_for(any_home)) as session:
        assert audit.head_of(session) == before
    assert files == sorted(path for path in any_home.home.rglob("*") if "advocate.db" not in path.name)
    assert rows(any_home) == 1


def test_who_chose_nothing_sees_what_counts(home: Settings) -> None:
    shop(home, preferred_channel="file")
    expected = dict.fromkeys(
        ("marketing", "messages", "personalisation", *(f"topic.{t}" for t in THEMES)), "on"
    )
    assert values(home) == {"channel": "file"} | expected
    assert all(offer.note == "" for offer in offers(home).values())


def test_what_was_chosen_is_shown(home: Settings) -> None:
    chosen = {"channel": "any", "messages": "off", "personalisation": "off", "topic.payments": "off"}
    shop(home, preferred_channel="file")
    choose(home, "ann", chosen, "1", NOON)
    shown = values(home)
    assert {what: shown[what] for what in chosen} == chosen
    assert shown["marketing"] == "off"  # no messages of any kind


def test_a_yes_that_would_change_nothing_says_so(home: Settings) -> None:
    shop(home, consenting("ann", purposes=("service",)))
    choose(home, "ann", STOP, "1", NOON)
    choose(home, "ann", {"marketing": "on"}, "1", NOON)
    marketing = offers(home)["marketing"]
    assert marketing.value == "off"
    assert marketing.note == WORDS["en"]["not_here"]
    fill(home, {"responses": [{"response_id": "1", "customer_id": "ann", "kind": "complained"}]})
    assert offers(home)["messages"].value == "off"


def test_personalisation_counts_as_the_recommendations_count_it(home: Settings) -> None:
    shop(home, consenting("ann", purposes=("service",)))
    asking = home.model_copy(update={"recs": RecsSettings(require_personalisation_consent=True)})
    assert (values(home)["personalisation"], values(asking)["personalisation"]) == ("on", "off")
    choose(home, "ann", {"personalisation": "on"}, "1", NOON)
    assert values(asking)["personalisation"] == "on"


def test_a_choice_counts_for_all_accounts_of_a_person(home: Settings) -> None:
    people: Rows = [{"customer_id": c, "person_id": "p"} for c in ("ann", "anna")] + [{"customer_id": "bob"}]
    fill(home, {"customers": people, "consents": consenting("ann", "anna", "bob")})
    choose(home, "ann", STOP, "1", NOON)
    assert [values(home, c)["marketing"] for c in ("ann", "anna", "bob")] == ["off", "off", "on"]
    assert choose(home, "anna", {"marketing": "on"}, "2", NOON) == {"marketing": "on"}
    assert values(home, "ann")["marketing"] == "on"


def test_customers_read_their_own_language(home: Settings) -> None:
    shop(home, locale="de_AT")
    found = standing(home, "ann")
    assert (found.language, found.offers[0].question) == ("de", "Wie sollen wir Ihnen schreiben?")
    assert standing(home, "stranger").language == "en"
    french = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"default_locale": "fr_FR"})})
    assert standing(french, "stranger").language == "en"


def test_every_language_has_all_the_words() -> None:
    assert all(words.keys() == WORDS["en"].keys() for words in WORDS.values())
    assert {f"topic.{theme}" for theme in THEMES} <= WORDS["en"].keys()


def test_every_kind_that_is_told_is_in_one_theme() -> None:
    kinds = [kind for some in THEMES.values() for kind in some]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {topic.kind for topic in TOPICS.values()}
    assert set(FINDERS) - set(kinds) == set(FOR_CALLS)


def test_all_channels_have_words(home: Settings) -> None:
    everywhere = EVERYTHING.model_copy(update={"channels": ("email", "sms", "push", "call", "file")})
    shown = {o.what: o for o in standing(home.model_copy(update={"outreach": everywhere}), "ann").offers}
    assert len(shown["channel"].answers) == 6
