"""A database that can be taken away and given back, and a clock in the hand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from warehouse.database import url_of
from warehouse.settings import Settings

Away = Callable[[Settings], AbstractContextManager[None]]


class Ticks:
    """A clock that stands still until it is moved; `now` in the unit of whoever reads it."""

    def __init__(self, now: int = 0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def away(request: pytest.FixtureRequest) -> Away:
    """`with away(settings)`: inside the block the database answers nobody."""

    @contextmanager
    def taken(settings: Settings) -> Iterator[None]:
        url = url_of(settings)
        if url.get_backend_name() == "sqlite":
            file = Path(url.database or "")
            hidden = file.rename(file.with_suffix(".away"))
            file.mkdir()
            yield
            file.rmdir()
            hidden.rename(file)
            return
        engine = create_engine(request.getfixturevalue("postgres_server"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
            yield
            connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
        engine.dispose()

    return taken
