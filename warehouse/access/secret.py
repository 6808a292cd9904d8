"""The home's secret, from which the keys are made that sign sessions, forms and links.

It is `ADVOCATE_SECRET_KEY` where several machines share a home, else a file in the home that only its owner
may read, made when it is first needed. Whoever knows it can sign in as anybody; another one ends every
session and every link that was sent.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from warehouse.errors import SettingsError
from warehouse.settings import SECRET_AT_LEAST, Settings

_FILE = "secret.key"
_BYTES = 32


def key_for(settings: Settings, purpose: str) -> bytes:
    """The key of one purpose, 32 bytes; that of another one says nothing of it.

    Raises:
        SettingsError: the file cannot be read or made, or others may read it.
    """
    given = settings.secret_key
    secret = given.encode() if given else _kept(settings.home.absolute() / _FILE)
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)


def _kept(file: Path) -> bytes:
    try:
        if not file.exists():
            _make(file)
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise SettingsError(f"others may read {file}; `chmod 600` it, or remove it to have another made")
        secret = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"the secret {file} cannot be read or made: {error.strerror}") from error
    if len(secret) < SECRET_AT_LEAST:
        raise SettingsError(f"the secret {file} is too short; remove it to have another made")
    return secret


def _make(file: Path) -> None:
    """Writes the file whole and under its name, or not at all; whoever comes first makes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{_FILE}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(secrets.token_hex(_BYTES).encode())
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink()
