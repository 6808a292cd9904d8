"""The policy: rules that say why a customer hears nothing, each named and pure, in a stated order.

A rule is an expression over one frame with a row per customer and bundle (what could go into one message),
made by `outreach.decisions`. The first rule that blocks gives the reason. `other_account` and `holdout`
come last because they depend on what the rules before them left.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from outreach.opportunities import per_currency
from warehouse.settings import OutreachSettings


@dataclass(frozen=True)
class Rule:
    """One reason for silence.

    Attributes:
        name: the reason, as decisions hold it.
        sentence: what it means, for a person.
        blocks: the expression that is true where the rule forbids the message.
    """

    name: str
    sentence: str
    blocks: Callable[[OutreachSettings], pl.Expr]


def _marketing() -> pl.Expr:
    return pl.col("purpose") == "marketing"


def _channel(problem: str) -> Callable[[OutreachSettings], pl.Expr]:
    return lambda _: (
        pl.col("channel").is_null() & (pl.col("channel_problem").fill_null("no_channel") == problem)
    )


def _below_minimum(settings: OutreachSettings) -> pl.Expr:
    minimum = per_currency(pl.col("currency"), settings.min_saving_minor)
    return _marketing() & (pl.col("value_minor").fill_null(0) < minimum)


def _no_imprint(settings: OutreachSettings) -> pl.Expr:
    complete = settings.opt_out.strip() and settings.postal_address.strip()
    return _marketing() & pl.lit(value=not complete)


NO_IMPRINT = "no_imprint"
RULES: tuple[Rule, ...] = (
    Rule("nothing_found", "nothing was found to tell this customer", lambda _: pl.col("purpose").is_null()),
    Rule(
        "already_told",
        "the customer was told of this before",
        lambda _: (pl.col("fresh") == 0) & (pl.col("lapsing") == 0) & (pl.col("unwanted") == 0),
    ),
    Rule("complained", "the customer complained about a message", lambda _: pl.col("complained")),
    Rule("minor", "advice is not sent to minors", lambda _: _marketing() & pl.col("minor")),
    Rule(
        "unsubscribed", "the customer wants no more advice", lambda _: _marketing() & pl.col("unsubscribed")
    ),
    Rule(
        "topic_unwanted",
        "the customer does not want to hear of this topic; money owed is promised all the same",
        lambda _: (pl.col("fresh") == 0) & (pl.col("unwanted") > 0),
    ),
    Rule("no_channel", "no channel is configured in outreach.channels", _channel("no_channel")),
    Rule(
        "no_consent", "no recorded consent for a configured channel and this purpose", _channel("no_consent")
    ),
    Rule("no_address", "there is consent, but no address", _channel("no_address")),
    Rule("bounced", "messages to the customer's address came back", _channel("bounced")),
    Rule(
        "no_timezone",
        "the customer's zone is unknown and outreach.default_timezone is not set",
        lambda _: pl.col("timezone").is_null(),
    ),
    Rule(
        NO_IMPRINT,
        "advice has to say how to end it and where the shop is: outreach.opt_out or outreach.postal_address "
        "is not set",
        _no_imprint,
    ),
    Rule(
        "lapses_first",
        "all that is new lapses before the customer's next waking hours",
        lambda _: (pl.col("fresh") == 0) & (pl.col("lapsing") > 0),
    ),
    Rule("below_minimum", "the saving is below outreach.min_saving_minor", _below_minimum),
    Rule(
        "frequency_cap",
        "the person has heard from us as often as outreach.cap_contacts allows",
        lambda settings: pl.col("contacts") >= settings.cap_contacts,
    ),
)
OTHER_ACCOUNT = "other_account"
HOLDOUT = "holdout"
FOLLOW_UP = "follow_up"
REASONS: dict[str, str] = {rule.name: rule.sentence for rule in RULES} | {
    OTHER_ACCOUNT: "another account of the same person hears from us tonight",
    HOLDOUT: "advice would go out, but the person is in the holdout that measures its effect",
    "money_owed": "money goes back to the customer",
    FOLLOW_UP: "we ask whether the money that went back solved the problem",
    "could_save": "the customer could save money",
    "held": "a person has to look at it first",
}
"""What each reason of a decision means, for a person."""


def judged(bundles: pl.LazyFrame, settings: OutreachSettings) -> pl.LazyFrame:
    """Adds a yes or no per rule (`rule_…`) and `blocked_by`: the first rule that says no, or null."""
    verdicts = {f"rule_{rule.name}": rule.blocks(settings).fill_null(value=False) for rule in RULES}
    first = pl.coalesce(pl.when(pl.col(f"rule_{rule.name}")).then(pl.lit(rule.name)) for rule in RULES)
    return bundles.with_columns(**verdicts).with_columns(blocked_by=first)


def in_holdout(person: str, settings: OutreachSettings) -> bool:
    """Whether a person hears no advice so that its effect can be measured; the same every night.

    The first 8 bytes of SHA-256 over salt and person, as a share of all such numbers.
    """
    digest = hashlib.sha256(f"{settings.holdout_salt}\x1f{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < settings.holdout_share * 2**64


def holdout(bundles: pl.DataFrame, settings: OutreachSettings) -> pl.DataFrame:
    """Adds `holdout`: advice that no rule blocks, for a person in the holdout. Money owed is never in it."""
    could = bundles.filter(_marketing(), pl.col("blocked_by").is_null())["person"].unique()
    out = [person for person in could if in_holdout(person, settings)]
    kept_back = _marketing() & pl.col("person").is_in(pl.Series(out, dtype=pl.String).implode())
    return bundles.with_columns(holdout=kept_back.fill_null(value=False))
