"""Every setting in force, with where its value is from, its default, and what it means.

The meanings are the comments of `settings.toml`: what people read in the file and on the page is one text.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from warehouse.setting_changes import CHANGEABLE
from warehouse.setting_names import names_of, plain_value
from warehouse.setting_sources import Source
from warehouse.settings import Settings

HIDDEN = frozenset(
    {
        "database_url",
        "secret_key",
        "desk.oidc_client_secret",
        "outreach.holdout_salt",
        "recs.experiment.salt",
    }
)
"""Never shown: passwords, secrets, and salts, which would tell who is measured."""
_PLACES = (Path(__file__).parent, Path(__file__).parents[1])
"""Where `settings.toml` is: beside this module where it was installed, else at the repository's root."""


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: like `outreach.cap_days`.
        value: as JSON has it; `None` where it is hidden.
        default: what it is where nothing says otherwise; `None` where it is hidden.
        source: where the value is from.
        meaning: what it means, with its unit.
        changeable: whether it can be changed at the desk; `source.fixed` says that it is not now.
        hidden: whether its value is not shown.
    """

    name: str
    value: Any
    default: Any
    source: Source
    meaning: str
    changeable: bool
    hidden: bool

    def as_json(self) -> dict[str, Any]:
        """All of it as plain JSON values; `changeable` only where nothing fixes the value."""
        return {
            "name": self.name,
            "value": self.value,
            "default": self.default,
            "from": self.source.kind,
            "where": self.source.where,
            "changeable": self.changeable and not self.source.fixed,
            "hidden": self.hidden,
            "meaning": self.meaning,
        }


def settings_in_force(settings: Settings) -> list[Setting]:
    """Every setting, in the order of the settings file.

    Args:
        settings: those in force (`warehouse.setting_changes.in_force`).
    """
    defaults, told = Settings.model_construct(), meanings()
    return [
        Setting(
            name=name,
            value=None if name in HIDDEN else plain_value(settings, name),
            default=None if name in HIDDEN else plain_value(defaults, name),
            source=settings.source_of(name),
            meaning=told[name],
            changeable=name in CHANGEABLE,
            hidden=name in HIDDEN,
        )
        for name in names_of(Settings)
    ]


@cache
def meanings() -> dict[str, str]:
    """What each setting means, by name: the comment directly above it in `settings.toml`."""
    file = next(folder / "settings.toml" for folder in _PLACES if (folder / "settings.toml").is_file())
    found: dict[str, str] = {}
    section, comment = "", []
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
            continue
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif comment and "=" in line:
            found[section + line.partition("=")[0].strip()] = " ".join(comment)
        comment = []
    return found
