"""Looks at single messages: when they are written, and once more when they are approved."""

import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outreach.linting.pages import numbers
from outreach.linting.words import promotion, sensitive
from outreach.slots import MARKETING, SERVICE, Told
from outreach.slots.values import title
from outreach.texts import Message
from outreach.wording import cleaned
from warehouse.settings import OutreachSettings

_TAG = re.compile(r"<[^>]*>")
_NAMES = ("item", "offer", "other_item")
"""What evidence names: the customer's own things, which may be called what they like."""


@dataclass(frozen=True, order=True)
class Problem:
    """A rule that a message breaks, and what to do."""

    rule: str
    advice: str


def problems(
    purpose: str,
    told: Sequence[Told],
    message: Message,
    settings: OutreachSettings,
    sensitive_words: tuple[str, ...],
    own: Path | None = None,
    *,
    link: str = "",
) -> list[Problem]:
    """Everything that is wrong with a message that was just written.

    Args:
        purpose: `service` or `marketing`.
        told: what it tells of.
        message: its words.
        settings: the shop's name, opt-out and address.
        sensitive_words: beginnings of words that are not named.
        own: the retailer's own templates, whose list of promotion words counts too.
        link: the customer's own, which is no words.
    """
    found = [*_refused(purpose, [one.reference for one in told if one.amount_minor], message, settings)]
    names = [_names(one) for one in told]
    if purpose == SERVICE:
        known = [link, settings.shop_name, *(name for some in names for name in some.values())]
        language = message.template.partition("/")[0]
        if match := promotion(language, own).search(_without(f"{message.subject}\n{message.text}", known)):
            found.append(
                Problem("promotion", f"{match.group()!r} promotes; service sells nothing: say it otherwise")
            )
    for some in names:
        if match := sensitive(sensitive_words).search(some.get("offer", "")):
            found.append(
                Problem("sensitive", f"the offer's name says {match.group()!r}; give it another name")
            )
    text, page = (_without(some, [link]) for some in (message.text, _shown(message.html)))
    if numbers(f"{message.subject} {text}") != numbers(page):
        found.append(Problem("same", "text and HTML say different numbers; say the same slots in both"))
    return found


def refusal(
    purpose: str, references: Sequence[str], message: Message, settings: OutreachSettings
) -> Problem | None:
    """Why a message cannot be approved, or `None`: the promises it opens, opt-out and address are in it.

    Args:
        purpose: `service` or `marketing`.
        references: of the promises that approving it opens.
        message: its words as they are kept.
        settings: opt-out and address as they are now.
    """
    return next(_refused(purpose, references, message, settings), None)


def _refused(
    purpose: str, references: Sequence[str | None], message: Message, settings: OutreachSettings
) -> Iterator[Problem]:
    needed = {"reference": references} if purpose == SERVICE else {}
    if purpose == MARKETING:
        needed = {"opt_out": [settings.opt_out], "postal_address": [settings.postal_address]}
    for rule, texts in needed.items():
        for text in texts:
            if not _says(message, text):
                yield Problem(rule, _ADVICE[rule])


_ADVICE = {
    "reference": "money is owed and its ledger reference is not said; say {{ item.reference }} of each, in "
    "text and HTML",
    "opt_out": "it does not say how to end advice; set outreach.opt_out, and say {{ opt_out }} in text and "
    "HTML",
    "postal_address": "it lacks the postal address; set outreach.postal_address, and say "
    "{{ postal_address }} in text and HTML",
}


REFUSING = frozenset(_ADVICE)
"""Rules whose breach `refusal` would tell of."""


def fitness_of(settings: OutreachSettings) -> str:
    """What a message was found fit for, in 16 digits: it changes with what `refusal` looks at."""
    looked_at = json.dumps([settings.opt_out, settings.postal_address])
    return hashlib.sha256(looked_at.encode()).hexdigest()[:16]


def _shown(page: str) -> str:
    """What a page shows, fast: its templates were read properly before they were used."""
    return html.unescape(_TAG.sub(" ", page))


def _says(message: Message, text: str | None) -> bool:
    shown = str(cleaned(text or "")).strip()
    return bool(shown) and shown in message.text and shown in html.unescape(message.html)


def _names(told: Told) -> dict[str, str]:
    evidence = json.loads(told.evidence)
    found = {name: title(evidence.get(name)) for name in _NAMES}
    return {name: str(cleaned(text)) for name, text in found.items() if text}


def _without(text: str, names: Sequence[str]) -> str:
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    return text
