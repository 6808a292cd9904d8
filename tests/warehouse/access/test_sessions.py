"""Sessions, the tokens of their forms, and the secret that signs both."""

import os
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import at
from warehouse.access.accounts import User
from warehouse.access.roles import Role
from warehouse.access.secret import key_for
from warehouse.access.sessions import Sessions
from warehouse.errors import SettingsError
from warehouse.settings import Settings, load_settings

NOW = at("2017-12-01T10:00:00")
MARIA = User("maria", Role.REVIEWER, 3)
MINUTE = timedelta(minutes=1)


def test_a_session_is_read_as_it_was_written(settings: Settings) -> None:
    sessions = Sessions(settings)
    begun = sessions.begin(MARIA, NOW)
    assert (begun.name, begun.generation, begun.began_at) == ("maria", 3, NOW)
    read = sessions.read(sessions.written(begun, NOW + MINUTE), NOW + 2 * MINUTE)
    assert read is not None
    assert (read.session_id, read.name, read.seen_at) == (begun.session_id, "maria", NOW + MINUTE)
    assert sessions.begin(MARIA, NOW).session_id != begun.session_id


def test_a_session_ends_when_it_is_old_or_idle(settings: Settings) -> None:
    sessions = Sessions(settings)
    text = sessions.written(sessions.begin(MARIA, NOW), NOW)
    assert sessions.read(text, NOW + 59 * MINUTE)
    assert sessions.read(text, NOW + 60 * MINUTE) is None
    assert sessions.read(text, NOW - MINUTE) is None
    busy = sessions.written(sessions.begin(MARIA, NOW), NOW + 599 * MINUTE)
    assert sessions.read(busy, NOW + 599 * MINUTE)
    assert sessions.read(busy, NOW + 600 * MINUTE) is None


def test_no_text_that_was_not_written_here_is_a_session(settings: Settings, tmp_path: Path) -> None:
    sessions = Sessions(settings)
    text = sessions.written(sessions.begin(MARIA, NOW), NOW)
    other = Sessions(load_settings(home=tmp_path / "other"))
    assert other.read(text, NOW) is None
    for place in range(len(text) - 1):  # the last letter of base 64 may carry bits that say nothing
        assert (
            sessions.read(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :], NOW)
            is None
        )
    for strange in ("", ".", "null", text[:-2], text + "A", "é", "\x00", "a" * 10_000):
        assert sessions.read(strange, NOW) is None


def test_a_form_belongs_to_one_session(settings: Settings) -> None:
    sessions = Sessions(settings)
    mine, other = (sessions.begin(MARIA, NOW).session_id for _ in range(2))
    token = sessions.form_token(mine)
    assert sessions.is_of(token, mine)
    for wrong in (sessions.form_token(other), token[:-1], token.upper(), "", "é"):
        assert not sessions.is_of(wrong, mine)


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    found: list[bytes] = []
    askers = [Thread(target=lambda: found.append(key_for(settings, "sessions"))) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert key_for(settings, "forms") != found[0]
    assert sorted(one.name for one in settings.home.iterdir()) == ["secret.key"]
    assert (settings.home / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="there are no modes of files here")
def test_a_secret_that_others_may_read_is_none(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    key_for(settings, "sessions")
    file = settings.home / "secret.key"
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        key_for(settings, "sessions")
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(SettingsError, match="too short"):
        key_for(settings, "sessions")


def test_a_secret_that_was_given_is_used_and_shown_nowhere(tmp_path: Path) -> None:
    first, second = (load_settings(home=tmp_path / "home", secret_key=letter * 32) for letter in "ab")
    assert key_for(first, "sessions") != key_for(second, "sessions")
    assert not (tmp_path / "home").exists()
    assert "a" * 32 not in repr(first)
    with pytest.raises(SettingsError, match="32 characters or more"):
        load_settings(home=tmp_path, secret_key="a" * 31)
