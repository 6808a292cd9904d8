"""One small simulated retailer for all tests of the simulator."""

from pathlib import Path

import pytest

from features.simulator import Plan, Simulated, simulate


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A thousand customers, one set of plants, three nights."""
    return simulate(Plan(1_000, seed=3), tmp_path_factory.mktemp("simulator") / "shop")


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
