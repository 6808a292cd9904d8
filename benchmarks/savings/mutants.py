"""Whether the simulator's cases and look-alikes notice every change of a rule.

    python -m benchmarks.savings.mutants [--module price_drop] [--every 1] [--show]

The nights of a small simulated retailer run once as they are, and are kept in memory. Then each module of the
rules is changed in one small place at a time (`benchmarks.savings.mutating`), and finds again. A change after
which every night still finds the same survives. Survivors that cannot make a difference, or none in three
nights with the settings as they come, are listed in `equivalent.toml` under the reason; any other makes the
exit code 1, and so does one that is listed and does not survive.
"""

import argparse
import ast
import importlib
import importlib.util
import json
import sys
import tempfile
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import polars as pl

from benchmarks.savings.mutating import Mutant, mutants
from benchmarks.savings.simulated import nights
from features.simulator import Plan
from outreach.opportunities import Claims
from outreach.world import World
from warehouse.settings import OutreachSettings

SPELLS = "outreach.spells"
"""What a world keeps for all finders."""

ROOT = Path(__file__).parents[2]
RULES = ("outreach.finders", "outreach.settling", SPELLS)
"""Modules that hold rules, and packages of them."""

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_NOT_RULES = ("outreach.finders",)
"""Modules in which only names are wired."""


@dataclass(frozen=True)
class Night:
    """A night as the rules see it, all of it in memory, and what it found."""

    day: date
    world: World
    settings: OutreachSettings
    claims: dict[str, pl.DataFrame]
    found: pl.DataFrame


class Changed(MetaPathFinder, Loader):
    """Imports one module from a changed tree instead of its file."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """A spec for the changed module, and for no other."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._mutant.module else None

    def exec_module(self, module: ModuleType) -> None:
        """Runs the changed tree as the module."""
        exec(compile(self._mutant.tree, self._mutant.module, "exec"), module.__dict__)


def sources() -> dict[str, str]:
    """The rules' modules by their dotted names."""
    files = [
        ROOT / "outreach/settling.py",
        ROOT / "outreach/spells.py",
        *sorted((ROOT / "outreach/finders").glob("*.py")),
    ]
    named = {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}
    return {name: file.read_text() for name, file in named.items() if name not in _NOT_RULES}


def fresh(mutant: Mutant | None = None) -> tuple[dict[str, Any], Any]:
    """`FINDERS` and `settle`, imported anew, one module of them changed."""
    for name in [name for name in sys.modules if name.startswith(RULES)]:
        del sys.modules[name]
    if mutant is not None:
        sys.meta_path.insert(0, Changed(mutant))
    try:
        finders = importlib.import_module("outreach.finders").FINDERS
        return finders, importlib.import_module("outreach.settling").settle
    finally:
        if mutant is not None:
            del sys.meta_path[0]


def users(names: dict[str, str]) -> dict[str, set[str]]:
    """For each module the kinds whose finders look at it, directly or through others."""
    looks = {
        name: {
            node.module
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom) and node.module in names
        }
        for name, source in names.items()
    }

    def below(name: str) -> set[str]:
        return {name} | {deeper for one in looks[name] for deeper in below(one)}

    finders, _ = fresh()
    modules = {kind: finder.find.__module__ for kind, finder in finders.items()}
    return {name: {kind for kind, module in modules.items() if name in below(module)} for name in names}


def opportunities(
    night: Night, kinds: set[str], finders: dict[str, Any], settle: Any, order: Sequence[str]
) -> pl.DataFrame:
    """What a night finds when some kinds are found anew."""
    claims = {
        kind: Claims.validate(finders[kind].find(night.world, night.settings, night.day).collect())
        if kind in kinds
        else night.claims[kind]
        for kind in order
    }
    settled = settle(pl.concat(claims.values()).lazy(), order, night.world, night.settings, night.day)
    rows: pl.DataFrame = settled.collect().drop("evidence").sort("opportunity_id", "amount_minor")
    return rows


def verdict(
    mutant: Mutant | None, kept: Sequence[Night], kinds: set[str], order: Sequence[str]
) -> Literal["alive", "noticed", "broke"]:
    """Whether every night still finds the same; or whether nothing works any more, which anybody notices."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            finders, settle = fresh(mutant)
            if mutant is not None and mutant.module == SPELLS:
                kept = [replace(night, world=_forgetful(night.world)) for night in kept]
            same = all(
                opportunities(night, kinds, finders, settle, order).equals(night.found) for night in kept
            )
            return "alive" if same else "noticed"
    except (Exception, pl.exceptions.PanicException):  # noqa: BLE001 whatever a change breaks
        return "broke"


def _forgetful(world: World) -> World:
    """The same world, which asks the changed module for its prices, and forgets them afterwards."""
    changed = importlib.import_module(SPELLS).spells
    other = replace(world)
    for name, kind in (("list_prices", "list"), ("promotions", "promotion")):
        vars(other)[name] = changed(world.prices, kind).collect().lazy()
    return other


def remembered(plan: Plan, folder: Path) -> list[Night]:
    """The nights of a simulated retailer, in memory.

    Raises:
        SystemExit: the rules as they are do not find what is planted.
    """
    finders, settle = fresh()
    kept = []
    for night in nights(plan, folder):
        if night.differences.height:
            raise SystemExit(
                f"{night.day}: {night.differences.height} differences; see benchmarks.savings.simulated"
            )
        world = in_memory(night.world)
        settings = night.settings.outreach
        claims = {kind: one.find(world, settings, night.day).collect() for kind, one in finders.items()}
        first = Night(night.day, world, settings, claims, pl.DataFrame())
        kept.append(replace(first, found=opportunities(first, set(), finders, settle, list(finders))))
    return kept


def in_memory(world: World) -> World:
    """The same world, every frame of it collected."""

    def held(part: Any) -> Any:
        if isinstance(part, pl.LazyFrame):
            return part.collect().lazy()
        if hasattr(part, "__dataclass_fields__"):
            return replace(part, **{field.name: held(getattr(part, field.name)) for field in fields(part)})
        return part

    found: World = held(world)
    return found


def explained_ones() -> set[str]:
    """Names of the changes that `equivalent.toml` explains."""
    groups: list[dict[str, Any]] = tomllib.loads(EQUIVALENT.read_text())["because"]
    return {name for group in groups for name in group["changes"]}


def swaps(order: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Orders of precedence in which two neighbours changed places."""
    for at in range(len(order) - 1):
        other = order.copy()
        other[at], other[at + 1] = other[at + 1], other[at]
        yield f"precedence: {order[at]} after {order[at + 1]}", other


def main() -> None:
    """Changes, finds, and says what survived."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--module", help="only this one, such as price_drop or settling")
    options.add_argument("--every", type=int, default=1, help="only every so many-th change")
    options.add_argument("--customers", type=int, default=1000)
    options.add_argument("--show", action="store_true", help="say each change as it is tried")
    given = options.parse_args()
    names = sources()
    known = explained_ones()
    with tempfile.TemporaryDirectory() as folder:
        kept = remembered(Plan(given.customers, 1), Path(folder))
    concerned = users(names)
    order = list(kept[0].claims)
    counts, survivors, explained = Counter[str](), [], set[str]()
    began = time.monotonic()
    every = [
        mutant
        for name, source in names.items()
        if given.module in (None, name.rsplit(".", 1)[1])
        for mutant in mutants(name, source)
    ][:: given.every]
    trials: list[tuple[str, Mutant | None, set[str], list[str]]] = [
        *((mutant.name, mutant, concerned[mutant.module], order) for mutant in every),
        *((name, None, set(), other) for name, other in swaps(order)),
    ]
    for number, (name, mutant, kinds, precedence) in enumerate(trials, start=1):
        said = verdict(mutant, kept, kinds, precedence)
        counts[said] += 1
        if said == "alive" and name in known:
            explained.add(name)
        elif said == "alive":
            survivors.append(name)
        if given.show or (said == "alive" and name not in known):
            print(f"{number}/{len(trials)} {said}: {name}", file=sys.stderr)
    seconds = round(time.monotonic() - began, 1)
    whole = given.module is None and given.every == 1
    stale = sorted(known - explained) if whole else []
    told = {"tried": len(trials)} | dict(counts) | {"explained": len(explained)}
    found = {"survivors": survivors, "listed, and do not survive": stale, "seconds": seconds}
    print(json.dumps(told | found, indent=1))
    if survivors or stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
