"""The keyring: what is sealed, looked up and proved with secrets that are not in the database.

Personal values are sealed with AES-GCM (NIST SP 800-38D) and bound to their row. An address is looked up by a keyed
hash. Keys in links are HMAC-SHA256 (RFC 2104) over (kind, public id, generation), so nothing that opens a page is
stored, and raising the generation ends every key given out before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app

from config import SealKey

THE_SECRET = "SECRET_KEY"  # noqa: S105  # pragma: allowlist secret - a name
"""What the secret of the settings is called among the proofs; no key of SEAL_KEYS can be called so."""
NONCE_BYTES = 12
PUBLIC_ID_BYTES = 16
MAC_BYTES = 16
PUBLIC_ID_LENGTH = 22
KEY_LENGTH = 44
"""Both in base64url characters without padding."""
_PUBLIC_ID = re.compile(rf"[A-Za-z0-9_-]{{{PUBLIC_ID_LENGTH}}}")
_KEY = re.compile(rf"[A-Za-z0-9_-]{{{KEY_LENGTH}}}")


class SealError(Exception):
    """A sealed value cannot be opened: its key is missing from SEAL_KEYS, or it is not this row's value."""


class Keys:
    """The secrets of one application. Stateless but for them, so safe to share between threads."""

    def __init__(self, secret_key: str, seal_keys: tuple[SealKey, ...]) -> None:
        self.names = tuple(key.name for key in seal_keys)
        """Of SEAL_KEYS; the first seals."""
        self._ciphers = {key.name.encode(): AESGCM(key.secret) for key in seal_keys}
        self._newest = seal_keys[0].name.encode()
        self._proofs = {key.name: _derive(key.secret, "proof") for key in seal_keys}
        self._proofs[THE_SECRET] = _derive(secret_key.encode(), "proof")
        self._addresses = _derive(secret_key.encode(), "addresses")
        self._links = _derive(secret_key.encode(), "links")
        self._messages = _derive(secret_key.encode(), "messages")

    def seal(self, value: Any, bound_to: str) -> bytes:
        """Return `value` (anything JSON can hold) sealed for the row that `bound_to` names."""
        return self._encrypt(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), bound_to)

    def open(self, sealed: bytes, bound_to: str) -> Any:
        """Return what `seal` was given. Raises SealError if no key fits, or the value belongs to another row."""
        return json.loads(self._decrypt(sealed, bound_to))

    def reseal(self, sealed: bytes, bound_to: str) -> bytes:
        """Return the same value sealed with the newest key. Raises SealError as `open` does."""
        return self._encrypt(self._decrypt(sealed, bound_to), bound_to)

    def proofs(self) -> dict[str, bytes]:
        """Return by what each key is known again: {name of SEAL_KEYS, or SECRET_KEY: 32 bytes that do not give the
        key away}."""
        return dict(self._proofs)

    def address_hash(self, address: str) -> bytes:
        """Return the keyed hash under which a (normalised) mail address is found: 32 bytes."""
        return _mac(self._addresses, address)

    def digest(self, purpose: str, value: str) -> bytes:
        """Return a keyed digest of `value` for one purpose: 32 bytes that tell nothing without the secret."""
        return _mac(self._messages, f"{purpose}\0{value}")

    def link_key(self, kind: str, public_id: str, generation: int) -> str:
        """Return the key that stands in a link: the public id and 128 bits of proof, 44 characters."""
        proof = _mac(self._links, f"{kind}\0{public_id}\0{generation}")[:MAC_BYTES]
        return public_id + _text(proof)

    def fits(self, key: str, kind: str, public_id: str, generation: int) -> bool:
        """Whether `key` is the one of this kind, id and generation; takes the same time when it is not."""
        return hmac.compare_digest(key.encode(), self.link_key(kind, public_id, generation).encode())

    def _encrypt(self, plain: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._newest + b":" + nonce + self._ciphers[self._newest].encrypt(nonce, plain, bound_to.encode())

    def _decrypt(self, sealed: bytes, bound_to: str) -> bytes:
        name, _, rest = sealed.partition(b":")
        try:
            return self._ciphers[name].decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound_to.encode())
        except (KeyError, ValueError, InvalidTag):
            raise SealError("a sealed value does not open: is its key still in SEAL_KEYS?") from None


class Keyring:
    """The application's Keys, bound by `init_app` like the other extensions."""

    def init_app(self, app: Flask, secret_key: str, seal_keys: tuple[SealKey, ...]) -> None:
        """Give `app` its keys."""
        app.extensions["keys"] = Keys(secret_key, seal_keys)

    @property
    def keys(self) -> Keys:
        """The keys of the application in whose context we are."""
        keys: Keys = current_app.extensions["keys"]
        return keys


def new_public_id() -> str:
    """Return 128 random bits as 22 characters of base64url."""
    return _text(secrets.token_bytes(PUBLIC_ID_BYTES))


def is_public_id(text: str) -> bool:
    """Whether a text looks like a public id; what does not may be what no database takes."""
    return _PUBLIC_ID.fullmatch(text) is not None


def name_of_key(sealed: bytes) -> str:
    """Return the name of the key that a value is sealed with, from the beginning of the value."""
    return sealed.partition(b":")[0].decode("ascii", "replace")


def public_id_of(key: str) -> str:
    """Return the public id in front of a link key; what does not look like a key gives one that nobody has."""
    return key[:PUBLIC_ID_LENGTH] if _KEY.fullmatch(key) else ""


def _derive(secret: bytes, purpose: str) -> bytes:
    """One secret per purpose, so that none stands in for another (HKDF, RFC 5869)."""
    return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def _mac(secret: bytes, text: str) -> bytes:
    return hmac.digest(secret, text.encode(), hashlib.sha256)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
