"""Customers' own links: a token that says who, and until when, and that nobody else can make or read.

Customer and end are encrypted and signed with keys made from the home's secret, so that neither mail programs
nor the logs of servers learn an id from an address. Nothing in a token is chance or clock: the same customer
and end give the same one, and a night that runs again writes the same messages. To encrypt, the plain text is
XORed with HMAC-SHA256 in counter mode, from a beginning that is HMAC-SHA256 of the plain text (the
construction of SIV, RFC 5297); only a text that was signed is ever decrypted. Why so stands in
docs/decisions/0021-a-customers-own-link.md.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from itsdangerous import BadSignature, Signer

from warehouse import clock
from warehouse.access.secret import key_for
from warehouse.ids import content_id
from warehouse.settings import Settings

PATH = "yours"
LONGEST = 1000
"""Letters of a token: longer ones are not looked at."""
_BEGINNING, _END = 16, 4
_BLOCK = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Link:
    """A link of a customer.

    Attributes:
        address: where it leads.
        customer_id: whose it is.
        link_id: names it in logs; nobody can make the link from it.
        expires_at: from this moment on it is refused.
    """

    address: str
    customer_id: str
    link_id: str
    expires_at: datetime

    @property
    def one_click(self) -> str:
        """Where one POST, without anything else, ends the customer's advice (RFC 8058)."""
        return f"{self.address}/stop"


@dataclass(frozen=True)
class Refused:
    """A link that may not be used: its `reason` is `unknown` or `expired`; `sentence` tells the customer."""

    reason: str
    sentence: str


class Links:
    """Makes the links of a home, and knows them again."""

    def __init__(self, settings: Settings) -> None:
        key = key_for(settings, "links")
        self._signer = Signer(_key(key, "sign"), key_derivation="none", digest_method=hashlib.sha256)
        self._beginning, self._stream = _key(key, "beginning"), _key(key, "stream")
        self._url, self._lasts = settings.desk.url, timedelta(days=settings.desk.link_days)

    @classmethod
    def for_messages(cls, settings: Settings) -> "Links | None":
        """What messages get their links from; `None` where `desk.url` is no place to send customers to."""
        return cls(settings) if settings.desk.is_public else None

    def of(self, customer_id: str, day: date) -> Link:
        """The link of a customer that a day gives: it ends `desk.link_days` after the end of that day."""
        return self._link(customer_id, clock.end_of(day) + self._lasts)

    def _link(self, customer_id: str, expires_at: datetime) -> Link:
        token = self.token(customer_id, expires_at)
        return Link(f"{self._url}/{PATH}/{token}", customer_id, content_id("link", token), expires_at)

    def token(self, customer_id: str, expires_at: datetime) -> str:
        """What a link says, for an address: letters, digits and `- _ .`."""
        plain = int(expires_at.timestamp()).to_bytes(_END, "big") + customer_id.encode()
        beginning = hmac.digest(self._beginning, plain, "sha256")[:_BEGINNING]
        text = base64.urlsafe_b64encode(beginning + self._crypted(plain, beginning)).rstrip(b"=")
        return self._signer.sign(text).decode()

    def read(self, token: str) -> Link | None:
        """The link of such text, ended or not; `None` where it was not written here."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            text = self._signer.unsign(token)
            whole = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
            plain = self._crypted(whole[_BEGINNING:], whole[:_BEGINNING])
            customer_id = plain[_END:].decode()
        except (BadSignature, ValueError):
            return None
        expires_at = datetime.fromtimestamp(int.from_bytes(plain[:_END], "big"), UTC)
        # Base64 can write the same bytes in several ways; only ours is a link.
        if not hmac.compare_digest(self.token(customer_id, expires_at), token):
            return None
        return self._link(customer_id, expires_at)

    def _crypted(self, text: bytes, beginning: bytes) -> bytes:
        """Encrypts plain text and decrypts what that gives."""
        count = -(-len(text) // _BLOCK)
        blocks = (hmac.digest(self._stream, beginning + n.to_bytes(4, "big"), "sha256") for n in range(count))
        return bytes(one ^ other for one, other in zip(text, b"".join(blocks), strict=False))


def read_link(settings: Settings, token: str, now: datetime) -> Link | Refused:
    """Whose link this is, or why it is refused; writes nothing.

    Args:
        settings: of the home.
        token: the part of the address after `/yours/`.
        now: the present moment.
    """
    link = Links(settings).read(token)
    how = settings.outreach.contact.strip() or "answer one of our messages"
    if link is None:
        return Refused(
            "unknown", f"This is none of our links, or a part of it is missing. Another one: {how}"
        )
    if link.expires_at <= now:
        return Refused("expired", f"This link has expired. Ask for another one: {how}")
    return link


def _key(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), "sha256")
