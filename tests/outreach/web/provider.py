"""A small OpenID Connect provider with keys of its own, which speaks HTTP and can be told to lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "the-desk", "the-secret-of-the-desk-and-its-provider"
OURS, OTHERS = (RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("ours", "others"))

Claims = dict[str, Any]


def signed(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "ours"}, claims, OURS)


@dataclass
class Provider:
    """What it says next.

    Attributes:
        claims: beside, or instead of, what an honest one would claim; `None` takes a claim away.
        sign: makes an ID token.
        keys: those it publishes.
        description: what it says of itself beside, or instead of, the truth.
        codes: that were not yet taken, with what was asked for each.
        asked: the paths it was asked for.
        refusals: its errors.
    """

    issuer: str = ""
    claims: Claims = field(default_factory=dict)
    sign: Callable[[Claims], str] = signed
    keys: list[RSAKey] = field(default_factory=lambda: [OURS])
    description: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.description

    def authorized(self, asked: dict[str, str]) -> str:
        """Where a browser goes that signed in here: back, with a code."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def tokens(self, sent: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(sent.get("code", ""), None)
        if authorization != f"Basic {expected}":
            return self._refused("invalid_client", 401)
        if asked is None or asked["redirect_uri"] != sent["redirect_uri"]:
            return self._refused("invalid_grant")
        challenge = hashlib.sha256(sent["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]:
            return self._refused("invalid_grant")
        now = int(time.time())
        honest = {"iss": self.issuer, "sub": "4711", "aud": CLIENT, "iat": now, "exp": now + 300}
        honest |= {"nonce": asked["nonce"], "email": "eve@shop.example", "email_verified": True}
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(claims)}

    def _refused(self, error: str, status: int = 400) -> tuple[int, dict[str, Any]]:
        self.refusals.append(error)
        return status, {"error": error}

    def answer(self, path: str, sent: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self.described()
        if path == "/keys":
            return 200, KeySet(self.keys).as_dict(private=False)
        return self.tokens(sent, authorization) if path == "/token" else (404, {})


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider that listens while this lasts."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_header("location", provider.authorized(asked))
                self.end_headers()
                return
            self._say(*provider.answer(parts.path, {}, ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            sent = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*provider.answer(self.path, sent, self.headers.get("authorization", "")))

        def _say(self, status: int, what: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(what).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
