"""Settings: each is read from the environment once, here, and has a type."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parent
SEAL_KEY_BYTES = 32
SECRET_KEY_CHARACTERS = 32

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which, and what to do."""


@dataclass(frozen=True)
class SealKey:
    """A named AES-256 key for personal data; the name stands in front of what it sealed."""

    name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """All that an operator can choose. `seal_keys`: the first seals, the others still open."""

    env: str
    database_url: str
    secret_key: str = field(repr=False)
    seal_keys: tuple[SealKey, ...] = field(repr=False)
    public_url: str
    trusted_proxies: int
    mail_server: str
    mail_port: int
    mail_username: str
    mail_password: str = field(repr=False)
    mail_use_tls: bool
    mail_default_sender: str
    bounce_address: str
    """The sender in the envelope of every mail (MAIL FROM), where mail servers report what they cannot deliver."""
    reply_address: str
    """Where replies to invitations go: read by people or by `invitations read-reply`, and naming nobody's event."""
    mail_connections: int
    """How many connections to the mail server one worker process holds at a time."""
    mail_rate: int
    """How many mails may leave in a minute, by all workers together; 0: as many as the mail server takes."""
    celery_broker_url: str
    redis_url: str
    require_second_factor: bool
    """Whether every organizer needs one."""
    metrics_allow: tuple[Network, ...]
    """Who may read /metrics."""
    port: int
    instance_path: Path
    erased_file: Path
    """The ids of those who were erased, by which a restored backup forgets them too; kept outside the database."""

    @property
    def development(self) -> bool:
        """Whether this is somebody's own machine: mails go to files, samples are loaded."""
        return self.env == "development"

    @property
    def https(self) -> bool:
        """Whether people reach us by https; cookies and HSTS follow."""
        return urlsplit(self.public_url).scheme == "https"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from `environ` (as `os.environ`).

    Raises SettingsError, whose sentence says what to set, when one is missing or wrong.
    """
    env = environ.get("PLENARY_ENV", "production")
    if env not in ("production", "development"):
        raise SettingsError(f"PLENARY_ENV is “{env}”: set it to production or development.")
    instance = Path(environ.get("PLENARY_INSTANCE", ROOT / "instance"))
    port = _number(environ, "PORT", 8000)
    default_sender = "meetings@example.org" if env == "development" else ""
    default_database = f"sqlite:///{instance / 'plenary.sqlite'}" if env == "development" else ""
    return Settings(
        env=env,
        database_url=_database_url(_required(environ, "DATABASE_URL", default_database)),
        secret_key=_secret_key(environ),
        seal_keys=_seal_keys(environ),
        public_url=_public_url(environ, f"http://127.0.0.1:{port}" if env == "development" else ""),
        trusted_proxies=_number(environ, "TRUSTED_PROXIES", 0),
        mail_server=environ.get("MAIL_SERVER", "") if env == "development" else _required(environ, "MAIL_SERVER", ""),
        mail_port=_number(environ, "MAIL_PORT", 25),
        mail_username=environ.get("MAIL_USERNAME", ""),
        mail_password=environ.get("MAIL_PASSWORD", ""),
        mail_use_tls=_truth(environ, "MAIL_USE_TLS"),
        mail_default_sender=_address(environ, "MAIL_DEFAULT_SENDER", default_sender),
        bounce_address=_address(environ, "BOUNCE_ADDRESS", environ.get("MAIL_DEFAULT_SENDER") or default_sender),
        reply_address=_address(environ, "REPLY_ADDRESS", environ.get("MAIL_DEFAULT_SENDER") or default_sender),
        mail_connections=_number(environ, "MAIL_CONNECTIONS", 1, least=1),
        mail_rate=_number(environ, "MAIL_RATE", 0),
        celery_broker_url=environ.get("CELERY_BROKER_URL", ""),
        redis_url=environ.get("REDIS_URL", ""),
        require_second_factor=_truth(environ, "REQUIRE_SECOND_FACTOR"),
        metrics_allow=_networks(environ, "METRICS_ALLOW", "127.0.0.1, ::1"),
        port=port,
        instance_path=instance,
        erased_file=Path(environ.get("ERASED_FILE") or instance / "erased.txt"),
    )


def with_development_secrets(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return `environ` with the secrets of somebody's own machine, made into the instance folder at the first start.

    In production nothing is made: a missing secret stops the start.
    """
    if environ.get("PLENARY_ENV") != "development":
        return environ
    path = Path(environ.get("PLENARY_INSTANCE", ROOT / "instance")) / "secrets.json"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        seal_key = base64.b64encode(secrets.token_bytes(SEAL_KEY_BYTES)).decode()
        made = {"SECRET_KEY": secrets.token_urlsafe(48), "SEAL_KEYS": f"k1:{seal_key}"}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file)
    return {**json.loads(path.read_text()), **environ}


def _required(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name) or default
    if not value:
        raise SettingsError(f"{name} is not set: put it into the environment and start again.")
    return value


def _number(environ: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    text = environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and int(text) >= least):
        raise SettingsError(f"{name} is “{text}”: set it to a whole number{f' from {least}' if least else ''}.")
    return int(text) if text else default


def _truth(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").lower()
    if text not in ("", "0", "1", "false", "true", "no", "yes"):
        raise SettingsError(f"{name} is “{text}”: set it to 1 or 0.")
    return text in ("1", "true", "yes")


def _secret_key(environ: Mapping[str, str]) -> str:
    secret = _required(environ, "SECRET_KEY", "")
    if len(secret) < SECRET_KEY_CHARACTERS:
        raise SettingsError(
            f"SECRET_KEY is too short: give it {SECRET_KEY_CHARACTERS} random characters or more, "
            "as `python -c 'import secrets; print(secrets.token_urlsafe(48))'` prints them."
        )
    return secret


def _seal_keys(environ: Mapping[str, str]) -> tuple[SealKey, ...]:
    """SEAL_KEYS is `name:base64,name:base64`, the newest first."""
    keys = []
    for part in _required(environ, "SEAL_KEYS", "").split(","):
        name, _, encoded = part.strip().partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret = b""
        if not (name.isascii() and name.isalnum() and len(name) <= 16 and len(secret) == SEAL_KEY_BYTES):
            raise SettingsError(
                "SEAL_KEYS is not a list of name:key (name: 1 to 16 letters or digits; key: 32 random bytes "
                "in base64), as `python -c 'import base64, secrets; "
                'print("k1:" + base64.b64encode(secrets.token_bytes(32)).decode())\'` prints one.'
            )
        keys.append(SealKey(name, secret))
    if len({key.name for key in keys}) < len(keys):
        raise SettingsError("SEAL_KEYS names one key twice: give each its own name.")
    return tuple(keys)


def _public_url(environ: Mapping[str, str], default: str) -> str:
    url = _required(environ, "PUBLIC_URL", default).rstrip("/")
    if not _is_site(url):
        raise SettingsError(f"PUBLIC_URL is “{url}”: set it to the address people use, as https://events.example.org.")
    return url


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    address = _required(environ, name, default)
    if not re.fullmatch(r"[^\s@<>,\"]+@[^\s@<>,\"]+", address) or not address.isascii():
        raise SettingsError(f"{name} is “{address}”: set it to one plain address, as events@example.org.")
    return address


def _networks(environ: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    """Several addresses or networks (CIDR), with commas between them."""
    text = environ.get(name) or default
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"{name} is “{text}”: set it to addresses or networks with commas between them, as 127.0.0.1, 10.0.0.0/8."
        ) from None


def _is_site(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_bare = not parts.path and not {"?", "#", "@"} & set(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and is_bare


def _database_url(url: str) -> str:
    """SQLAlchemy wants the driver's name; operators write postgresql:// or postgres://."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError("DATABASE_URL is for neither database: begin it with sqlite:/// or postgresql://.")
    return url
