"""Who comes in from a provider, and who does not."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select

from advocate.server import create_app
from tests.conftest import BOTH, copy_of, once
from tests.outreach.web.provider import CLIENT, OTHERS, OURS, SECRET, Claims, Provider, serving
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow, UserRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.settings import DeskSettings, Settings

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery staple"
MIGRATED = {"sqlite": "migrated", "postgresql": "migrated_postgres"}
on_both = pytest.mark.parametrize("home", BOTH, indirect=True)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as made:
        yield made


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path, provider: Provider) -> Settings:
    """Eve and Rita sign in at the provider, Ann with a password; on SQLite, or what a test asks for."""
    on = getattr(request, "param", "sqlite")
    desk = DeskSettings(
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Shop & Sons",
    )
    made = once(copy_of(request.getfixturevalue(MIGRATED[on]), tmp_path / "home"), _employ)
    return made.model_copy(update={"desk": desk})


def _employ(home: Settings) -> None:
    accounts.add(home, "ann", Role.ADMIN, by="ann", password=PASSWORD, email="ann@shop.example")
    accounts.add(home, "eve", Role.APPROVER, by="ann", password=None, email="Eve@shop.example")
    accounts.add(home, "rita", Role.REVIEWER, by="ann", password=None, email="rita@shop.example")


Browse = Callable[[], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def browser(home: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(home, keys=False))
    async with httpx.AsyncClient(transport=transport, base_url=home.desk.url) as client:
        yield client


async def leaves(browser: httpx.AsyncClient, back: str = "/desk/rules") -> str:
    """Goes to the provider and signs in there; the address that it sends the browser back to."""
    left = await browser.get("/desk/sign-in/openid", params={"next": back})
    assert left.status_code == 303, left.text
    async with httpx.AsyncClient() as outside:
        signed_in = await outside.get(left.headers["location"])
    assert signed_in.status_code == 302
    return signed_in.headers["location"]


async def signs_in(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get(await leaves(browser))


def bound(home: Settings, name: str) -> str | None:
    with reading(engine_for(home)) as session:
        row = session.get(UserRow, name)
        assert row is not None
        return row.external_id


def told(home: Settings) -> list[tuple[str, str]]:
    with reading(engine_for(home)) as session:
        audit.verify(session)
        rows = session.execute(select(AuditRow.action, AuditRow.by).order_by(AuditRow.number)).all()
    return [(action, by) for action, by in rows if action != "user.add"]


@on_both
async def test_the_first_time_binds_the_account_and_later_the_address_does_not_count(
    browser: httpx.AsyncClient, home: Settings, provider: Provider
) -> None:
    assert (
        'href="/desk/sign-in/openid?next=/desk">Sign in with Shop &amp; Sons</a>'
        in (await browser.get("/desk/sign-in")).text
    )
    answer = await signs_in(browser)
    assert answer.status_code == 303, answer.text
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/rules")
    assert (await browser.get("/desk/rules")).status_code == 200
    assert bound(home, "eve") == f"{provider.issuer} 4711"
    assert told(home) == [("user.bind", "eve"), ("session.begin", "eve")]
    provider.claims = {"email": "rita@shop.example"}
    assert "eve, approver" in (await browser.get((await signs_in(browser)).headers["location"])).text
    assert bound(home, "rita") is None


async def test_cookies_of_the_way_are_kept_from_scripts_and_gone_at_its_end(
    browser: httpx.AsyncClient,
) -> None:
    left = await browser.get("/desk/sign-in/openid")
    for word in ("HttpOnly", "SameSite=lax", "Path=/desk"):
        assert word in left.headers["set-cookie"]
    await signs_in(browser)
    assert "openid" not in browser.cookies


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"nonce": "another"}, id="another nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"aud": "another-desk"}, id="another audience"),
        pytest.param({"aud": ["another-desk"]}, id="other audiences"),
        pytest.param({"aud": [CLIENT, "another-desk"], "azp": "another-desk"}, id="made for another"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"exp": int(time.time()) - 120}, id="expired"),
        pytest.param({"exp": None}, id="never expires"),
        pytest.param({"exp": "soon"}, id="expires in words"),
        pytest.param({"nbf": int(time.time()) + 3600}, id="not yet"),
        pytest.param({"iat": int(time.time()) + 3600}, id="of the future"),
        pytest.param({"sub": None}, id="nobody"),
        pytest.param({"sub": ""}, id="an empty subject"),
        pytest.param({"sub": 4711}, id="a number"),
        pytest.param({"sub": "x" * 256}, id="a long subject"),
        pytest.param({"at_hash": "of another token"}, id="of another access token"),
        pytest.param({"email_verified": False}, id="an address nobody verified"),
        pytest.param({"email_verified": "true"}, id="verified in words"),
        pytest.param({"email_verified": None}, id="not a word of verification"),
        pytest.param({"email": None}, id="no address"),
        pytest.param({"email": ["eve@shop.example"]}, id="addresses"),
        pytest.param({"email": "mallory@shop.example"}, id="a stranger"),
        pytest.param({"email": "ann@shop.example"}, id="an account with a password"),
        pytest.param({"email": "eve@ſhop.example"}, id="an address that only looks alike"),
    ],
)
async def test_a_token_that_is_not_right_lets_nobody_in(
    browser: httpx.AsyncClient, home: Settings, provider: Provider, lie: Claims
) -> None:
    provider.claims = lie
    answer = await signs_in(browser)
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert (await browser.get("/desk/rules")).status_code == 303
    assert [bound(home, name) for name in ("ann", "eve", "rita")] == [None] * 3


def unsigned(claims: Claims) -> str:
    parts = [{"alg": "none"}, claims]
    written = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*written, ""])


def by_another(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "others"}, claims, OTHERS)


def under_our_name(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "ours"}, claims, OTHERS)


def with_the_client_secret(claims: Claims) -> str:
    return jwt.encode({"alg": "HS256", "kid": "ours"}, claims, OctKey.import_key(SECRET))


def with_the_public_key(claims: Claims) -> str:
    key = OctKey.import_key(urlsafe_b64encode(OURS.as_pem(private=False)).decode())
    return jwt.encode({"alg": "HS256", "kid": "ours"}, claims, key)


def changed_later(claims: Claims) -> str:
    head, _, sign = jwt.encode({"alg": "RS256", "kid": "ours"}, claims, OURS).split(".")
    body = urlsafe_b64encode(json.dumps(claims | {"sub": "4712"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{sign}"


def bringing_its_key(claims: Claims) -> str:
    head = {"alg": "RS256", "jwk": OTHERS.as_dict(private=False), "jku": "https://evil.example/keys"}
    return jwt.encode(head, claims, OTHERS)


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        by_another,
        under_our_name,
        with_the_client_secret,
        with_the_public_key,
        changed_later,
        bringing_its_key,
        pytest.param(lambda _: "no token", id="no token"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: 7, id="a number"),
    ],
)
async def test_a_signature_that_is_not_the_providers_lets_nobody_in(
    browser: httpx.AsyncClient, home: Settings, provider: Provider, sign: Callable[[Claims], str]
) -> None:
    provider.sign = sign
    assert (await signs_in(browser)).status_code == 403
    assert bound(home, "eve") is None


async def test_algorithms_that_the_provider_advertises_do_not_weaken_ours(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.description = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    for sign in (unsigned, with_the_public_key):
        provider.sign = sign
        assert (await signs_in(browser)).status_code == 403


async def test_keys_that_the_provider_changed_are_read_anew(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    assert (await signs_in(browser)).status_code == 303
    provider.keys, provider.sign = [OTHERS], by_another
    assert (await signs_in(browser)).status_code == 303
    assert provider.asked.count("/keys") == 2


@on_both
async def test_a_code_is_good_once(browser: httpx.AsyncClient, provider: Provider) -> None:
    back = await leaves(browser)
    cookie = browser.cookies["openid"]
    assert (await browser.get(back)).status_code == 303
    browser.cookies.clear()
    assert (await browser.get(back)).status_code == 403
    browser.cookies.set("openid", cookie, domain="127.0.0.1", path="/desk")
    assert (await browser.get(back)).status_code == 403
    assert provider.refusals == ["invalid_grant"]


async def test_another_browser_cannot_come_back_with_somebodys_code(
    browser: httpx.AsyncClient, home: Settings, provider: Provider
) -> None:
    back = await leaves(browser)
    transport = httpx.ASGITransport(app=create_app(home, keys=False))
    async with httpx.AsyncClient(transport=transport, base_url=home.desk.url) as other:
        assert (await other.get(back)).status_code == 403
        await leaves(other)
        assert (await other.get(back)).status_code == 403
    code = parse_qs(urlsplit(back).query)["code"][0]
    mine = await leaves(browser)
    state = parse_qs(urlsplit(mine).query)["state"][0]
    injected = await browser.get("/desk/sign-in/openid/back", params={"code": code, "state": state})
    assert injected.status_code == 403
    assert provider.refusals == ["invalid_grant"]


@pytest.mark.parametrize("state", ["", "another", "ü", "x" * 43, pytest.param("x" * 5000, id="long")])
async def test_another_state_is_refused_before_the_provider_is_asked(
    browser: httpx.AsyncClient, provider: Provider, state: str
) -> None:
    await leaves(browser)
    answer = await browser.get("/desk/sign-in/openid/back", params={"code": "c", "state": state})
    assert answer.status_code in (403, 422)
    assert "/token" not in provider.asked


async def test_a_cookie_that_was_changed_or_is_old_is_refused(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    back = await leaves(browser)
    with clock.at(clock.now() + timedelta(minutes=11)):
        assert "took too long" in (await browser.get(back)).text
    kept = browser.cookies["openid"]
    browser.cookies.clear()
    browser.cookies.set("openid", f"{'A' if kept[0] != 'A' else 'B'}{kept[1:]}", path="/desk")
    assert (await browser.get(back)).status_code == 403
    assert "/token" not in provider.asked


@on_both
async def test_a_closed_account_stays_closed(browser: httpx.AsyncClient, home: Settings) -> None:
    accounts.disable(home, "rita", by="ann")
    assert (await signs_in(browser)).status_code == 303
    accounts.disable(home, "eve", by="ann")
    assert (await browser.get("/desk/rules")).status_code == 303
    answer = await signs_in(browser)
    assert answer.status_code == 403
    assert "your account is closed" in answer.text
    assert told(home)[-1] == ("session.refused", "eve")


async def test_a_closed_account_is_not_bound(browser: httpx.AsyncClient, home: Settings) -> None:
    accounts.disable(home, "eve", by="ann")
    assert (await signs_in(browser)).status_code == 403
    assert bound(home, "eve") is None


@on_both
async def test_an_account_is_bound_to_one_person_of_the_provider(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    assert (await signs_in(browser)).status_code == 303
    provider.claims = {"sub": "4712"}
    answer = await signs_in(browser)
    assert answer.status_code == 403
    assert "belongs to another person" in answer.text


@on_both
async def test_two_accounts_with_one_address_are_nobodys(browser: httpx.AsyncClient, home: Settings) -> None:
    accounts.add(home, "eve2", Role.ADMIN, by="ann", password=None, email="eve@shop.example")
    answer = await signs_in(browser)
    assert answer.status_code == 403
    assert "several accounts" in answer.text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/desk/../v1/events"])
async def test_the_way_back_leads_nowhere_else(browser: httpx.AsyncClient, back: str) -> None:
    answer = await browser.get(await leaves(browser, back))
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


async def test_the_address_of_return_is_the_settings_whatever_a_request_says(
    browser: httpx.AsyncClient, home: Settings
) -> None:
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher"}
    left = await browser.get("/desk/sign-in/openid", headers=forged)
    asked = parse_qs(urlsplit(left.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{home.desk.url}/desk/sign-in/openid/back"]


@pytest.mark.parametrize("error", ["access_denied", "<script>alert(1)</script>", "server_error"])
async def test_what_the_provider_refuses_is_said_in_our_words(browser: httpx.AsyncClient, error: str) -> None:
    left = await browser.get("/desk/sign-in/openid")
    state = parse_qs(urlsplit(left.headers["location"]).query)["state"][0]
    given = {"error": error, "error_description": "Call 555-EVIL", "state": state}
    answer = await browser.get("/desk/sign-in/openid/back", params=given)
    assert answer.status_code == 403
    assert "you were not signed in" in answer.text
    assert "EVIL" not in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "description",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another provider"),
        pytest.param({"authorization_endpoint": None}, id="nowhere to go"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, id="no address"),
    ],
)
async def test_a_provider_that_cannot_be_is_not_asked(
    browser: httpx.AsyncClient, provider: Provider, description: dict[str, Any]
) -> None:
    provider.description = description
    assert (await browser.get("/desk/sign-in/openid")).status_code == 503


async def test_a_provider_that_does_not_answer_is_a_page(home: Settings) -> None:
    with serving() as gone:
        pass
    desk = home.desk.model_copy(update={"oidc_issuer": gone.issuer})
    app = create_app(home.model_copy(update={"desk": desk}), keys=False)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=home.desk.url) as client:
        answer = await client.get("/desk/sign-in/openid")
    assert answer.status_code == 503
    assert "the provider does not answer" in answer.text


async def test_without_a_provider_there_is_neither_button_nor_way(home: Settings) -> None:
    app = create_app(home.model_copy(update={"desk": DeskSettings()}), keys=False)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=home.desk.url) as client:
        assert "openid" not in (await client.get("/desk/sign-in")).text
        for path in ("openid", "openid/back"):
            assert (await client.get(f"/desk/sign-in/{path}")).status_code == 404


async def test_the_secret_is_shown_to_nobody(browser: httpx.AsyncClient, home: Settings) -> None:
    await signs_in(browser)
    assert SECRET not in repr(home)
    assert SECRET not in (await browser.get("/desk/rules.json")).text
