"""Signing in at somebody else's: OpenID Connect's authorization code flow with PKCE, by Authlib.

The browser leaves with a `state` and comes back with it; the nonce of the ID token and PKCE's verifier are
made from the state with a key of the home, so a browser keeps nothing but the state. Who comes back is who
the provider's ID token says, once its signature, issuer, audience, nonce and times are checked.
"""

import hmac
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, URLSafeSerializer

from warehouse import clock
from warehouse.access.secret import key_for
from warehouse.errors import ForbiddenError, UnavailableError
from warehouse.settings import Settings

if TYPE_CHECKING:
    import httpx

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the provider can make: neither `none` nor those of a shared secret."""
WAY = timedelta(minutes=10)
"""How long somebody may take at the provider."""
KNOWN = timedelta(hours=1)
"""How long the provider's description and keys are believed."""
LEEWAY = 60
"""Seconds that the clocks of both may differ."""
LONGEST_SUBJECT = 255
_PATIENCE = 10.0
_STATE_BYTES = 32


@dataclass(frozen=True)
class Identity:
    """Who the provider says this is.

    Attributes:
        external_id: issuer and subject, the same for ever.
        email: an address that the provider knows to be theirs; `None` where it does not say so.
    """

    external_id: str
    email: str | None


@dataclass(frozen=True)
class Way:
    """The way of one browser to the provider: its state, where it wants to go then, and when it left."""

    state: str
    back: str
    left_at: datetime


class Provider:
    """The provider that the settings name; safe to share between threads.

    Args:
        settings: gives the settings in force.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._documents: dict[str, tuple[datetime, dict[str, Any]]] = {}

    def leave(self, back: str, return_to: str, now: datetime) -> tuple[str, str]:
        """Sends a browser on its way.

        Args:
            back: where it wants to go then.
            return_to: the address under which the provider sends it back.
            now: the moment.

        Returns:
            the provider's address, and text for a cookie of that browser.

        Raises:
            UnavailableError: the provider does not answer, or not as one does.
        """
        _require_extra()
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        desk = self._settings().desk
        state = secrets.token_urlsafe(_STATE_BYTES)
        address = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            client_id=desk.oidc_client_id,
            response_type="code",
            redirect_uri=return_to,
            scope="openid email",
            state=state,
            nonce=self._made_of(state, "nonce"),
            code_challenge=create_s256_code_challenge(self._made_of(state, "verifier")),
            code_challenge_method="S256",
        )
        written = self._signer().dumps([state, back, int(now.timestamp())])
        return str(address), written if isinstance(written, str) else written.decode()

    def way(self, text: str, state: str, now: datetime) -> Way:
        """The way that a browser's cookie tells of, if it is the one that comes back with this state.

        Raises:
            ForbiddenError: it is not, or took too long.
        """
        try:
            kept, back, left = self._signer().loads(text)
            found = Way(kept, back, datetime.fromtimestamp(left, now.tzinfo))
        except (BadSignature, ValueError, TypeError, OverflowError, OSError):
            found = None
        if found is None or not hmac.compare_digest(found.state.encode(), state.encode()):
            raise ForbiddenError("this browser did not begin to sign in here; begin again")
        if not found.left_at <= now < found.left_at + WAY:
            raise ForbiddenError("signing in took too long; begin again")
        return found

    def identity(self, way: Way, code: str, return_to: str) -> Identity:
        """Who came back with a code, which the provider takes once.

        Raises:
            ForbiddenError: the provider does not take the code, or its ID token is not what it has to be.
            UnavailableError: the provider does not answer, or not as one does.
        """
        _require_extra()
        answer = self._tokens(way, code, return_to)
        claims = self._claims(answer, self._made_of(way.state, "nonce"))
        subject, email = claims.get("sub"), claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise ForbiddenError("the provider does not say who you are; ask your admin")
        is_theirs = claims.get("email_verified") is True and isinstance(email, str)
        return Identity(f"{self._settings().desk.oidc_issuer} {subject}", email if is_theirs else None)

    def _tokens(self, way: Way, code: str, return_to: str) -> dict[str, Any]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        desk, address = self._settings().desk, self._endpoint("token_endpoint")
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=return_to,
            code=code,
            code_verifier=self._made_of(way.state, "verifier"),
        )
        methods = self._description().get("token_endpoint_auth_methods_supported")
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        method = (
            ("client_secret_basic" if basic else "client_secret_post") if desk.oidc_client_secret else "none"
        )
        client = ClientAuth(desk.oidc_client_id, desk.oidc_client_secret, method)
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        address, headers, body = client.prepare("POST", address, kind, body)
        status, answer = _asked(lambda http: http.post(address, content=body, headers=headers))
        if status != 200:
            raise ForbiddenError("the provider did not take the code you came with; begin again")
        return answer

    def _claims(self, answer: dict[str, Any], nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        desk, token = self._settings().desk, answer.get("id_token")
        if not isinstance(token, str):
            raise ForbiddenError("the provider sent no ID token; ask your admin")
        wanted: Any = {
            "iss": {"essential": True, "value": desk.oidc_issuer},
            "aud": {"essential": True, "value": desk.oidc_client_id},
        }
        known: dict[str, Any] = {"nonce": nonce, "client_id": desk.oidc_client_id}
        known["access_token"] = answer.get("access_token")
        try:
            decoded = self._decoded(token)
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, known)
            claims.validate(int(clock.now().timestamp()), LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise ForbiddenError(
                f"the provider's ID token is refused ({type(error).__name__}); begin again, or ask your admin"
            ) from error
        return dict(claims)

    def _decoded(self, token: str) -> Any:
        """The token, its signature checked; with keys read anew where it is of one that is not known yet."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        for anew in (False, True):
            keys: Any = self._document(self._endpoint("jwks_uri"), anew=anew)
            try:
                return jwt.decode(token, KeySet.import_key_set(keys), registry=registry)
            except InvalidKeyIdError:
                if anew:
                    raise
        raise AssertionError("one of the two answered")

    def _endpoint(self, name: str) -> str:
        found = self._description().get(name)
        secure = self._settings().desk.oidc_issuer.startswith("https:")
        if not isinstance(found, str) or not found.startswith("https:" if secure else ("http:", "https:")):
            raise UnavailableError(
                f"the provider's description has no {name} that can be used; ask your admin"
            )
        return found

    def _description(self) -> dict[str, Any]:
        issuer = self._settings().desk.oidc_issuer
        found = self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise UnavailableError(f"what is at {issuer} says that it is another provider; ask your admin")
        return found

    def _document(self, address: str, *, anew: bool = False) -> dict[str, Any]:
        now = clock.now()
        with self._lock:
            read_at, known = self._documents.get(address, (None, {}))
        if not anew and read_at is not None and read_at <= now < read_at + KNOWN:
            return known
        status, found = _asked(lambda http: http.get(address))
        if status != 200:
            raise UnavailableError(f"the provider answered {status} at {address}; try again later")
        with self._lock:
            self._documents[address] = (now, found)
        return found

    def _made_of(self, state: str, purpose: str) -> str:
        key = key_for(self._settings(), f"openid {purpose}")
        return urlsafe_b64encode(hmac.digest(key, state.encode(), "sha256")).rstrip(b"=").decode()

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(key_for(self._settings(), "openid ways"))


def _require_extra() -> None:
    if any(find_spec(name) is None for name in ("authlib", "httpx")):
        raise UnavailableError("signing in elsewhere needs its extra: pip install 'advocate[oidc]'")


def _asked(ask: "Callable[[httpx.Client], httpx.Response]") -> tuple[int, dict[str, Any]]:
    """Status and JSON of the provider's answer; redirects are not followed."""
    import httpx

    try:
        with httpx.Client(timeout=_PATIENCE, follow_redirects=False) as http:
            answer = ask(http)
            found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnavailableError("the provider does not answer; try again in a minute") from error
    except ValueError as error:
        raise UnavailableError("the provider's answer is no JSON; ask your admin") from error
    if not isinstance(found, dict):
        raise UnavailableError("the provider's answer is no JSON object; ask your admin")
    return answer.status_code, found
