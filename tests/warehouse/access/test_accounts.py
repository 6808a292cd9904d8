"""Accounts of people."""

import json

import pytest
from sqlalchemy import select

from warehouse.access import accounts, audit
from warehouse.access.accounts import User
from warehouse.access.models import AuditRow, UserRow
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading
from warehouse.errors import AdvocateError, ConflictError, ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import Settings

WORDS = "seven quiet harbours"


@pytest.fixture
def settings(any_settings: Settings) -> Settings:
    return any_settings


def maria(settings: Settings, role: Role = Role.ADMIN) -> User:
    return accounts.add(settings, "maria", role, by="root", password=WORDS, email="maria@shop.example")


def log(settings: Settings) -> list[tuple[str, str, str]]:
    with reading(engine_for(settings)) as session:
        audit.verify(session)
        rows = session.scalars(select(AuditRow).order_by(AuditRow.number))
        return [(row.action, row.by, row.subject) for row in rows]


def test_somebody_signs_in_with_their_password_and_with_no_other(settings: Settings) -> None:
    user = maria(settings)
    assert accounts.sign_in(settings, "maria", WORDS) == user
    for name, password in (
        ("maria", WORDS + "!"),
        ("maria", ""),
        ("Maria", WORDS),
        ("nobody", WORDS),
        ("maria\x00", WORDS),
        ("", ""),
    ):
        assert accounts.sign_in(settings, name, password) is None
    kept = accounts.users(settings)[0]
    assert kept.password_hash is not None
    assert kept.password_hash.startswith("$argon2id$")
    assert WORDS not in json.dumps(log(settings))
    assert log(settings) == [
        ("user.add", "root", "maria"),
        ("session.begin", "maria", "maria"),
        ("session.refused", "maria", "maria"),
        ("session.refused", "maria", "maria"),
    ]


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password(settings: Settings) -> None:
    accounts.add(settings, "zoe", Role.VIEWER, by="root", password="zu\u0308rich schla\u0308ft nie")
    assert accounts.sign_in(settings, "zoe", "z\u00fcrich schl\u00e4ft nie")


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short words", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("maria's garden", "easily guessed"),
        ("aaaaaaaaaaaaaaaa", "easily guessed"),
    ],
)
def test_a_weak_password_is_refused(settings: Settings, password: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        accounts.add(settings, "maria", Role.VIEWER, by="root", password=password)
    assert accounts.users(settings) == []


@pytest.mark.parametrize("name", ["", "Maria", "a b", "-a", "a" * 65, "ä", "a/b", "a\n"])
def test_a_name_that_cannot_be_an_accounts_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be an account"):
        accounts.add(settings, name, Role.VIEWER, by="root", password=WORDS)


@pytest.mark.parametrize("email", ["nobody", "a@b\nBcc: c@d", "a b@c", "<a@b>", "a@b,c@d", "a@" + "b" * 300])
def test_an_address_that_could_carry_a_header_is_refused(settings: Settings, email: str) -> None:
    with pytest.raises(SettingsError, match="e-mail address"):
        accounts.add(settings, "maria", Role.VIEWER, by="root", password=WORDS, email=email)


def test_no_two_accounts_share_a_name(settings: Settings) -> None:
    maria(settings)
    with pytest.raises(ConflictError, match="already is an account 'maria'"):
        maria(settings)
    assert len(log(settings)) == 1


def test_another_role_or_password_and_closing_end_every_session(settings: Settings) -> None:
    first = maria(settings, Role.REVIEWER)
    second = accounts.change_role(settings, "maria", Role.APPROVER, by="root")
    third = accounts.change_password(settings, "maria", WORDS[::-1], by="root")
    for _ in range(2):
        accounts.disable(settings, "maria", by="root")
    with reading(engine_for(settings)) as session:
        for user in (first, second, third):
            assert accounts.signed_in(session, "maria", user.generation) is None
    assert accounts.sign_in(settings, "maria", WORDS[::-1]) is None
    assert [action for action, _, _ in log(settings)] == [
        "user.add",
        "user.role",
        "user.password",
        "user.disable",
        "session.refused",
    ]
    with pytest.raises(NotFoundError, match="no account 'bob'"):
        accounts.disable(settings, "bob", by="root")


def test_a_session_lasts_as_long_as_nothing_changes(settings: Settings) -> None:
    user = maria(settings)
    accounts.change_role(settings, "maria", Role.ADMIN, by="root")
    with reading(engine_for(settings)) as session:
        assert accounts.signed_in(session, "maria", user.generation) == user


def test_the_last_admin_stays(settings: Settings) -> None:
    maria(settings)
    for change in (
        lambda: accounts.disable(settings, "maria", by="maria"),
        lambda: accounts.change_role(settings, "maria", Role.VIEWER, by="maria"),
    ):
        with pytest.raises(ConflictError, match="last admin"):
            change()
    accounts.add(settings, "ben", Role.ADMIN, by="maria", password=WORDS)
    accounts.disable(settings, "maria", by="ben")


def test_whoever_signs_in_elsewhere_has_no_password_here(settings: Settings) -> None:
    accounts.add(settings, "oidc", Role.VIEWER, by="root", password=None)
    assert accounts.sign_in(settings, "oidc", "the password of nobody") is None


def test_roles_include_the_ones_before_them() -> None:
    for rank, role in enumerate(Role):
        for needed in list(Role)[: rank + 1]:
            require(role, needed, "look")
        for needed in list(Role)[rank + 1 :]:
            with pytest.raises(ForbiddenError, match=f"takes the role {needed}; yours is {role}"):
                require(role, needed, "look")


def test_on_the_command_line_anybody_acts_until_there_are_accounts(settings: Settings) -> None:
    def act(name: str) -> str | None:
        try:
            with reading(engine_for(settings)) as session:
                accounts.acting(session, name, Role.APPROVER, "approve")
        except AdvocateError as error:
            return str(error)
        return None

    assert act("anybody") is None
    maria(settings)
    accounts.add(settings, "vic", Role.VIEWER, by="maria", password=WORDS)
    accounts.add(settings, "gone", Role.APPROVER, by="maria", password=WORDS)
    accounts.disable(settings, "gone", by="maria")
    assert act("maria") is None
    assert "takes the role approver" in str(act("vic"))
    for name in ("gone", "anybody"):
        assert "no open account" in str(act(name))


def test_a_hash_of_weaker_times_is_made_anew(settings: Settings) -> None:
    from argon2 import PasswordHasher
    from sqlalchemy import update

    from warehouse.database import writing

    maria(settings)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(WORDS)
    with writing(engine_for(settings)) as session:
        session.execute(update(UserRow).values(password_hash=weak))
    assert accounts.sign_in(settings, "maria", WORDS)
    assert accounts.users(settings)[0].password_hash != weak
    assert accounts.sign_in(settings, "maria", WORDS)
