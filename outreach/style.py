"""What messages are written with: the shop's settings, and its own templates once they break no rule."""

from dataclasses import dataclass
from pathlib import Path

from outreach.choices.links import Links
from outreach.linting import check
from warehouse.errors import SettingsError
from warehouse.settings import OutreachSettings, Settings


@dataclass(frozen=True)
class Style:
    """What messages are written with.

    Attributes:
        settings: the shop's name, contact, opt-out, address, and what reasons mention.
        sensitive_words: beginnings of words that are not named.
        own: the retailer's own templates, where there are any.
        links: makes customers' own links; null where messages carry none.
    """

    settings: OutreachSettings
    sensitive_words: tuple[str, ...]
    own: Path | None = None
    links: Links | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Style":
        """The style of a home.

        Raises:
            SettingsError: the home's own templates break a rule.
        """
        own, words = settings.templates_folder, settings.features.sensitive_words
        links = Links.for_messages(settings)
        if not own.is_dir():
            return cls(settings.outreach, words, links=links)
        if found := check(own, words):
            raise SettingsError(
                f"the templates in {own} break rules ({len(found)}), so nothing is written with them; the "
                f"first is {found[0]}; `advocate templates check {own}` lists all"
            )
        return cls(settings.outreach, words, own, links)
