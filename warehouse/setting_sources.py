"""Where the values of settings are from, and how what is wrong with one is told."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import SettingsError as UnreadableError

from warehouse.errors import SettingsError


@dataclass(frozen=True)
class Source:
    """Where a setting's value is from.

    Attributes:
        kind: which of them.
        where: the file, the variable of the environment, or the flag.
    """

    kind: Literal["default", "file", "desk", "environment", "flag"] = "default"
    where: str = ""

    @property
    def fixed(self) -> bool:
        """Whether nobody can change it at the desk."""
        return self.kind in ("environment", "flag")


def variable_of(name: str) -> str:
    """The variable of the environment that gives a setting: its own, or that of its section or of a part."""
    full = "ADVOCATE_" + name.upper().replace(".", "__")
    there = sorted(variable.upper() for variable in os.environ)
    related = (v for v in there if v.startswith(f"{full}__") or full.startswith(f"{v}__"))
    return full if full in there else next(related, full)


def flag_of(name: str) -> str:
    """The flag of the command line that gives a setting."""
    return f"--{name.replace('_', '-')}"


@contextmanager
def explained(of: Path | str | None) -> Iterator[None]:
    """Names the setting that is wrong; `of` is the file, or the section that alone is read."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        above = (of,) if isinstance(of, str) else ()
        name = ".".join(str(part) for part in (*above, *first["loc"]))
        raise SettingsError(
            f"setting {name}: {first['msg']} (see settings.toml for what is possible)"
        ) from error
    except UnreadableError as error:
        raise SettingsError(
            f"the settings in the environment could not be read: {error}; "
            'lists and tables are written as JSON, like ADVOCATE_OUTREACH__CHANNELS=["email"]'
        ) from error
    except ValueError as error:
        raise SettingsError(f"the settings could not be read from {of}: {error}") from error
