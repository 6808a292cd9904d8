"""One exception tree, drawn at the top of its file."""

import importlib
import inspect
import pkgutil

import pytest

from warehouse import errors
from warehouse.errors import AdvocateError

PACKAGES = ("warehouse", "features", "recs", "outreach", "advocate")


def _errors_of_the_house() -> dict[str, type[Exception]]:
    found = {}
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            # The client runs in other programs, without this house.
            if ".migrations" not in module.name and not module.name.startswith("recs.client"):
                for name, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                    if issubclass(value, Exception) and value.__module__.split(".")[0] in PACKAGES:
                        found[name] = value
    return found


def test_every_error_of_the_house_is_an_advocate_error_and_in_the_drawing() -> None:
    found = _errors_of_the_house()
    assert len(found) >= 9
    for name, error in found.items():
        assert issubclass(error, AdvocateError), f"{name} must derive from AdvocateError"
        assert name in (errors.__doc__ or ""), f"draw {name} in the tree of warehouse/errors.py"


@pytest.mark.parametrize("line", (errors.__doc__ or "").splitlines()[3:])
def test_every_line_of_the_drawing_is_an_error(line: str) -> None:
    name, _, meaning = line.lstrip("├└─ ").partition(" ")
    assert issubclass(getattr(errors, name), AdvocateError)
    said = inspect.getdoc(getattr(errors, name)) or ""
    assert said.rstrip(".").lower() == meaning.strip().lower()
