"""Tombstones tell who was erased to whoever knows the id and the key, and to nobody else."""

import pytest

from tests.conftest import at
from warehouse import tombstones
from warehouse.database import engine_for, writing
from warehouse.errors import ErasedError, SettingsError
from warehouse.settings import Settings
from warehouse.tombstones import Tombstones, erased_among, mark_of, pseudonym_of, refuse_erased, remembered


def bury(home: Settings, customer: str, *, finished: bool = True) -> str:
    mark = mark_of(home, customer)
    with writing(engine_for(home)) as session:
        tombstones.begin(session, home, mark, by="ada", audit=1)
        session.flush()
        if finished:
            tombstones.finish(session, mark, at("2017-12-01"))
    return mark


def test_a_home_where_nobody_was_erased_needs_no_secret(any_settings: Settings) -> None:
    assert not Tombstones.of(any_settings).has("ann")
    assert erased_among(any_settings, ["ann"]) == set()
    refuse_erased(any_settings, "ann")
    assert not (any_settings.home / "secret.key").exists()


@pytest.mark.parametrize("finished", [True, False])
def test_an_erased_customer_is_known_by_id_alone_also_while_it_is_under_way(
    any_settings: Settings, finished: bool
) -> None:
    before = tombstones.version(any_settings)
    mark = bury(any_settings, "ann", finished=finished)
    found = Tombstones.of(any_settings)
    assert (found.has("ann"), found.has("Ann"), found.has("bob")) == (True, False, False)
    assert erased_among(any_settings, ["bob", "ann"]) == {"ann"}
    with pytest.raises(ErasedError, match="was erased"):
        refuse_erased(any_settings, "ann")
    assert "ann" not in mark + pseudonym_of(mark)
    assert tombstones.version(any_settings) != before


def test_under_another_secret_nobody_is_taken_for_unknown(settings: Settings) -> None:
    bury(settings, "ann")
    other = settings.model_copy(update={"secret_key": "another secret of forty characters or so"})
    for ask in (lambda: Tombstones.of(other), lambda: refuse_erased(other, "ann")):
        with pytest.raises(SettingsError, match="another secret"):
            ask()


def test_digests_of_keys_are_kept_once(any_settings: Settings) -> None:
    for some in (["a", "b", "a"], ["b", "c"]):
        with writing(engine_for(any_settings)) as session:
            tombstones.remember(session, some)
    assert remembered(any_settings) == {"a", "b", "c"}
