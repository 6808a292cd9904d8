"""What a customer can choose, and what counts now. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.choices import (
    ANY,
    CHANNEL,
    MARKETING,
    MESSAGES,
    OFF,
    ON,
    PERSONALISATION,
    accounts_of,
    agreed,
    for_all_accounts,
    newest,
)
from features.contract import CONTRACTS
from outreach.choices.choosing import SWITCHES
from outreach.choices.words import ENGLISH, WORDS, words_of
from outreach.formats import Reader
from outreach.standing import latest
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings

_ENDED = ("complained", "unsubscribed")
_PURPOSE = {MARKETING: "marketing", MESSAGES: "service"}


@dataclass(frozen=True)
class Offer:
    """One thing to choose.

    Attributes:
        what: its name, as `choose` takes it.
        value: what counts now.
        question: what to show above the answers.
        answers: values that may be chosen, each with its words.
        note: why choosing `on` would change nothing; empty where it would.
    """

    what: str
    value: str
    question: str
    answers: tuple[tuple[str, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Standing:
    """What a customer can choose: `language` is that of the words."""

    customer_id: str
    language: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True)
class _Facts:
    """What is known of one customer: their row, what was chosen, and what it comes to."""

    row: Mapping[str, str | None]
    chosen: Mapping[str, str]
    granted: Mapping[tuple[str, str], bool]
    granted_by_feed: Mapping[tuple[str, str], bool]
    ended: frozenset[str]


def standing(settings: Settings, customer_id: str) -> Standing:
    """What a customer can choose, and what counts now of it, in their language."""
    facts = _facts(settings, customer_id)
    language = Reader(facts.row.get("locale") or settings.outreach.default_locale, "UTC").language
    language = language if language in WORDS else ENGLISH
    words = words_of(language)
    offers = (
        _channel(settings, facts, words),
        *(_switch(settings, what, facts, words) for what in SWITCHES),
    )
    return Standing(customer_id, language, offers)


def _facts(settings: Settings, customer_id: str) -> _Facts:
    lake = Lake.of(settings)
    names = ("customers", "consents", "responses")
    customers, consents, responses = (lake.scan(CONTRACTS[name].table) for name in names)
    accounts, mine = accounts_of(customers, [customer_id]), pl.col("customer_id") == customer_id
    with reading(engine_for(settings)) as session:
        own = newest(session, customers=accounts)
    choices = for_all_accounts(own.lazy(), customers).filter(mine)
    said = responses.filter(pl.col("customer_id").is_in(accounts), pl.col("kind").is_in(_ENDED))
    rows = customers.filter(mine).select("locale", "preferred_channel").collect().to_dicts()
    return _Facts(
        row=rows[0] if rows else {},
        chosen=dict(choices.select("what", "value").collect().iter_rows()),
        granted=_granted(agreed(consents.filter(mine), choices)),
        granted_by_feed=_granted(consents.filter(mine)),
        ended=frozenset(said.select("kind").collect()["kind"]),
    )


def _granted(consents: pl.LazyFrame) -> dict[tuple[str, str], bool]:
    """Whether each purpose is granted on each channel."""
    rows = latest(consents).select("purpose", "channel", "granted").collect()
    return {(purpose, channel): granted for purpose, channel, granted in rows.iter_rows()}


def _channel(settings: Settings, facts: _Facts, words: Mapping[str, str]) -> Offer:
    channels = settings.outreach.channels
    value = facts.chosen.get(CHANNEL) or facts.row.get("preferred_channel")
    answers = tuple((one, words[f"{CHANNEL}.{one}"]) for one in (*dict.fromkeys(channels), ANY))
    return Offer(CHANNEL, value if value in channels and value else ANY, words[CHANNEL], answers)


def _switch(settings: Settings, what: str, facts: _Facts, words: Mapping[str, str]) -> Offer:
    value, note = facts.chosen.get(what, ON), ""
    if what == PERSONALISATION:
        value = ON if _personal(settings, facts) else OFF
    elif what in _PURPOSE:
        value = ON if _may(settings, what, facts, facts.granted) else OFF
        note = "" if _may(settings, what, facts, facts.granted_by_feed) else words["not_here"]
    return Offer(what, value, words[what], ((ON, words[ON]), (OFF, words[OFF])), note)


def _may(settings: Settings, what: str, facts: _Facts, granted: Mapping[tuple[str, str], bool]) -> bool:
    """Whether messages of a purpose may go on any channel there is."""
    against = _ENDED if what == MARKETING else ("complained",)
    agreed_to = any(granted.get((_PURPOSE[what], channel)) for channel in settings.outreach.channels)
    return agreed_to and not facts.ended.intersection(against)


def _personal(settings: Settings, facts: _Facts) -> bool:
    """Whether suggestions go by the customer's own purchases; the rule of `recs.consent`."""
    said = [granted for (purpose, _), granted in facts.granted.items() if purpose == PERSONALISATION]
    return all(said) if said else not settings.recs.require_personalisation_consent
