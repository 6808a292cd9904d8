"""The commands, by what they are about; each only reads its options, calls a step and prints the result.

Only the area whose command is called is imported: what trains models takes seconds that listing keys does not
need.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from typer import Typer
from typer.core import TyperGroup
from typer.main import get_group

AREAS = {
    "night": ("demo", "nightly"),
    "bring": ("import", "prune"),
    "recommend": ("recommend", "evaluate"),
    "models": ("models", "tune"),
    "experiment": ("experiment",),
    "reports": ("export", "explain"),
    "review": ("batch",),
    "templates": ("templates",),
    "send": ("send", "pause", "resume"),
    "ledger": ("ledger",),
    "keys": ("keys",),
    "users": ("users", "audit"),
    "customers": ("customers",),
    "serve": ("serve",),
    "simulated": ("simulate",),
}
"""The commands of each module, in the order a newcomer meets them."""


class Commands(TyperGroup):
    """A group of the commands of all areas."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        found: Any = Areas()  # nothing is added to it, so it need not be mutable
        self.commands = found


class Areas(Mapping[str, Any]):
    """The commands by their names; looking one up imports its area."""

    def __init__(self) -> None:
        self._area_of = {name: area for area, names in AREAS.items() for name in names}

    def __getitem__(self, name: str) -> Any:
        return commands_of(self._area_of[name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._area_of)

    def __len__(self) -> int:
        return len(self._area_of)


def commands_of(area: str) -> dict[str, Any]:
    """The commands that an area adds, by name."""
    app = Typer(rich_markup_mode=None)
    import_module(f"{__name__}.{area}").register(app)
    return dict(get_group(app).commands)
