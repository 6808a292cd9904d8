"""Why a customer was, or was not, contacted on a day."""

import json
from datetime import date
from typing import Any

import polars as pl

from outreach.models import NoticeRow, WordsRow
from outreach.policy import REASONS, RULES
from outreach.review import history
from outreach.states import NO_CHANNEL
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings
from warehouse.tombstones import refuse_erased


def explain(settings: Settings, customer_id: str, day: date) -> dict[str, Any]:
    """The decision about one customer, what each rule said, the evidence and what became of the notice.

    Returns:
        JSON values: `customer_id, day, outcome, reason, meaning`, `messages` (what could have gone into one
        message, with each rule's word on it), `opportunities` with their evidence, `notice` (or null), and
        `rights`: notices of money that is theirs without a message, like `notice`, with their amounts.

    Raises:
        ErasedError: the customer was erased.
        NotFoundError: no such customer that day, or the night has not run.
    """
    refuse_erased(settings, customer_id)
    lake = Lake.of(settings)
    mine = pl.col("customer_id") == customer_id
    decided = lake.get("decisions", day).filter(mine).collect().to_dicts()
    if not decided:
        raise NotFoundError(f"customer {customer_id!r} was not known on {day}; ids are case-sensitive text")
    decision = decided[0]
    verdicts = lake.get("outreach_rules", day).filter(mine).collect().to_dicts()
    found = lake.get("opportunities", day).filter(mine).sort("opportunity_id").collect().to_dicts()
    return {
        "customer_id": customer_id,
        "day": day.isoformat(),
        "outcome": decision["outcome"],
        "reason": decision["reason"],
        "meaning": REASONS[decision["reason"]],
        "channel": decision["channel"],
        "send_after": _text(decision["send_after"]),
        "messages": [_message(row) for row in verdicts if row["purpose"] is not None],
        "opportunities": [_opportunity(row) for row in found],
        "notice": _notice(settings, decision["notice_id"]),
        "rights": _rights(settings, lake, customer_id, day),
    }


def _rights(settings: Settings, lake: Lake, customer_id: str, day: date) -> list[dict[str, Any]]:
    unsaid = (pl.col("customer_id") == customer_id) & (pl.col("channel") == NO_CHANNEL)
    mine = lake.get("outreach_proposals", day).filter(unsaid).sort("notice_id").collect().to_dicts()
    facts = {
        row["notice_id"]: {"amount_minor": row["value_minor"], "currency": row["currency"]} for row in mine
    }
    notices = ((facts[notice_id], _notice(settings, notice_id)) for notice_id in facts)
    return [amounts | notice for amounts, notice in notices if notice is not None]


def _message(verdict: dict[str, Any]) -> dict[str, Any]:
    facts = ("purpose", "currency", "held", "opportunities", "value_minor", "contacts", "holdout")
    rules = {
        rule.name: {"blocks": verdict[f"rule_{rule.name}"], "when": rule.sentence}
        for rule in RULES
        if rule.name != "nothing_found" and f"rule_{rule.name}" in verdict  # a night may be older than a rule
    }
    return {name: verdict[name] for name in facts} | {"blocked_by": verdict["blocked_by"], "rules": rules}


def _opportunity(row: dict[str, Any]) -> dict[str, Any]:
    evidence = json.loads(row["evidence"])
    return row | {"expires_at": _text(row["expires_at"]), "evidence": evidence}


def _notice(settings: Settings, notice_id: str | None) -> dict[str, Any] | None:
    if notice_id is None:
        return None
    with reading(engine_for(settings)) as session:
        row, words = session.get(NoticeRow, notice_id), session.get(WordsRow, notice_id)
        if row is None or words is None:
            return None
        shown = {"notice_id": notice_id, "state": row.state, "subject": row.subject, "text": words.text}
    steps = [
        {name: _text(event[name]) for name in ("from_state", "to_state", "by", "at", "reason")}
        for event in history(settings, notice_id)
    ]
    return shown | {"history": steps}


def _text(value: Any) -> str | None:
    return None if value is None else str(value.isoformat() if hasattr(value, "isoformat") else value)
