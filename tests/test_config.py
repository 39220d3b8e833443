"""Settings: each typed, and a missing or wrong one told in a sentence that says what to do."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT, SealKey, SettingsError, load_settings, with_development_secrets

KEY = base64.b64encode(bytes(32)).decode()
PRODUCTION = {
    "DATABASE_URL": "postgresql://plenary@db/plenary",
    "SECRET_KEY": "x" * 32,
    "SEAL_KEYS": f"k2:{KEY}, k1:{KEY}",
    "PUBLIC_URL": "https://events.example.org/",
    "MAIL_SERVER": "mail.example.org",
    "MAIL_DEFAULT_SENDER": "dialogue@example.org",
}


def said(**changes: str) -> str:
    """What a start with these changes says."""
    with pytest.raises(SettingsError) as caught:
        load_settings({**PRODUCTION, **changes})
    return str(caught.value)


def test_production_takes_what_is_set() -> None:
    truths = {"MAIL_USE_TLS": "yes", "REQUIRE_SECOND_FACTOR": "1"}
    settings = load_settings({**PRODUCTION, **truths, "MAIL_PORT": "587", "TRUSTED_PROXIES": "1"})
    assert (settings.env, settings.development, settings.https) == ("production", False, True)
    assert (settings.database_url, settings.public_url) == (
        "postgresql+psycopg://plenary@db/plenary",
        "https://events.example.org",
    )
    assert (settings.mail_server, settings.mail_port, settings.mail_use_tls) == ("mail.example.org", 587, True)
    assert (settings.trusted_proxies, settings.port, settings.redis_url) == (1, 8000, "")
    assert (settings.require_second_factor, load_settings(PRODUCTION).require_second_factor) == (True, False)
    assert settings.seal_keys == (SealKey("k2", bytes(32)), SealKey("k1", bytes(32)))


def test_bounces_go_to_the_sender_unless_they_have_an_address_of_their_own() -> None:
    own = load_settings({**PRODUCTION, "BOUNCE_ADDRESS": "bounces@example.org"})
    assert (own.mail_default_sender, own.bounce_address) == ("dialogue@example.org", "bounces@example.org")
    assert load_settings({**PRODUCTION, "BOUNCE_ADDRESS": ""}).bounce_address == "dialogue@example.org"


def test_replies_go_to_the_sender_unless_they_have_an_address_of_their_own() -> None:
    own = load_settings({**PRODUCTION, "REPLY_ADDRESS": "replies@example.org"})
    assert (own.mail_default_sender, own.reply_address) == ("dialogue@example.org", "replies@example.org")
    assert load_settings({**PRODUCTION, "REPLY_ADDRESS": ""}).reply_address == "dialogue@example.org"


@pytest.mark.parametrize("name", ["MAIL_DEFAULT_SENDER", "BOUNCE_ADDRESS", "REPLY_ADDRESS"])
@pytest.mark.parametrize(
    "address", ["dialogue", "Dialogue <dialogue@example.org>", "a@example.org, b@example.org", "a@example.org\n", "é@x"]
)
def test_an_address_that_is_not_one_plain_address_is_refused(name: str, address: str) -> None:
    assert said(**{name: address}) == f"{name} is “{address}”: set it to one plain address, as events@example.org."


def test_metrics_are_for_this_machine_unless_others_are_named() -> None:
    assert list(map(str, load_settings(PRODUCTION).metrics_allow)) == ["127.0.0.1/32", "::1/128"]
    named = load_settings({**PRODUCTION, "METRICS_ALLOW": "10.0.0.0/8,2001:db8::1 , 192.0.2.7"})
    assert list(map(str, named.metrics_allow)) == ["10.0.0.0/8", "2001:db8::1/128", "192.0.2.7/32"]


@pytest.mark.parametrize("networks", ["prometheus.example.org", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1;::1", ","])
def test_networks_that_are_none_are_refused(networks: str) -> None:
    assert said(METRICS_ALLOW=networks) == (
        f"METRICS_ALLOW is “{networks}”: set it to addresses or networks with commas between them, "
        "as 127.0.0.1, 10.0.0.0/8."
    )


@pytest.mark.parametrize("name", list(PRODUCTION))
def test_in_production_what_is_missing_stops_the_start_with_its_name(name: str) -> None:
    assert said(**{name: ""}) == f"{name} is not set: put it into the environment and start again."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PLENARY_ENV", "staging", "PLENARY_ENV is “staging”: set it to production or development."),
        ("PORT", "http", "PORT is “http”: set it to a whole number."),
        ("PORT", "-1", "PORT is “-1”: set it to a whole number."),
        ("PORT", "٨٠", "PORT is “٨٠”: set it to a whole number."),
        ("MAIL_PORT", "25.0", "MAIL_PORT is “25.0”: set it to a whole number."),
        ("MAIL_USE_TLS", "maybe", "MAIL_USE_TLS is “maybe”: set it to 1 or 0."),
        ("PUBLIC_URL", "events.example.org", "PUBLIC_URL is “events.example.org”: set it to the address people use, "
         "as https://events.example.org."),
        ("PUBLIC_URL", "https://[events", "PUBLIC_URL is “https://[events”: set it to the address people use, "
         "as https://events.example.org."),
        ("PUBLIC_URL", "https://events.example.org:x", "PUBLIC_URL is “https://events.example.org:x”: set it to the "
         "address people use, as https://events.example.org."),
        ("SEAL_KEYS", f"k1:{KEY},k1:{KEY}", "SEAL_KEYS names one key twice: give each its own name."),
    ],
)  # fmt: skip
def test_what_is_wrong_stops_the_start_with_a_sentence(name: str, value: str, sentence: str) -> None:
    assert said(**{name: value}) == sentence


@pytest.mark.parametrize(
    "keys", ["k1", "k1:", "k1:abc", f":{KEY}", f"k 1:{KEY}", f"{'k' * 17}:{KEY}", f"k1:{KEY[:-4]}"]
)
def test_a_seal_key_that_is_none_is_refused_with_how_to_make_one(keys: str) -> None:
    sentence = said(SEAL_KEYS=keys)
    assert sentence.startswith("SEAL_KEYS is not a list of name:key")
    assert "secrets.token_bytes(32)" in sentence
    assert keys not in sentence or keys in ("k1", "k1:")


def test_a_short_secret_is_refused_with_how_to_make_one() -> None:
    sentence = said(SECRET_KEY="short-secret")
    assert sentence.startswith("SECRET_KEY is too short: give it 32 random characters or more, as `python")
    assert "short-secret" not in sentence


def test_secrets_do_not_show_where_settings_are_printed() -> None:
    printed = repr(load_settings({**PRODUCTION, "SECRET_KEY": "s" * 40, "MAIL_PASSWORD": "hidden"}))
    assert ("s" * 40 in printed, "hidden" in printed, "seal_keys" in printed) == (False, False, False)


def test_development_needs_nothing_but_its_own_secrets(tmp_path: Path) -> None:
    environ = {"PLENARY_ENV": "development", "PLENARY_INSTANCE": str(tmp_path / "instance"), "PORT": "8123"}
    settings = load_settings(with_development_secrets(environ))
    assert (settings.database_url, settings.public_url, settings.mail_server) == (
        f"sqlite:///{tmp_path}/instance/plenary.sqlite",
        "http://127.0.0.1:8123",
        "",
    )
    assert (settings.mail_default_sender, settings.reply_address) == ("meetings@example.org", "meetings@example.org")
    assert load_settings(with_development_secrets(environ)) == settings


def test_secrets_of_a_development_machine_are_its_owners_alone(tmp_path: Path) -> None:
    with_development_secrets({"PLENARY_ENV": "development", "PLENARY_INSTANCE": str(tmp_path)})
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_production_makes_no_secrets(tmp_path: Path) -> None:
    environ = {"PLENARY_INSTANCE": str(tmp_path)}
    assert with_development_secrets(environ) == environ
    assert list(tmp_path.iterdir()) == []


def test_a_start_without_settings_ends_with_the_sentence(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PLENARY_INSTANCE": str(tmp_path)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "event", "list"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("DATABASE_URL is not set: put it into the environment and start again.")
    assert "Traceback" not in done.stderr
