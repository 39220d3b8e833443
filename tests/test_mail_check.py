"""`mail check`: one mail by the way all take; how far it came, what to do, and the DNS records that it needs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskCliRunner

from config import Settings
from registration.mail.dns_records import dns_records
from tests.support.dialogue import AMINA
from tests.support.ports import HERE, free_port
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "sesame-of-the-mail-server"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_server=HERE)


def check(runner: FlaskCliRunner, code: int) -> list[str]:
    """What the command says before the DNS records."""
    result = runner.invoke(args=["mail", "check", AMINA])
    assert result.exit_code == code, result.output
    return result.output.partition("\n\nDNS records")[0].splitlines()


def configure(app: Flask, **values: Any) -> None:
    for name, value in values.items():
        setattr(app.extensions["mail"], name, value)


@pytest.fixture(autouse=True)
def _as_before(app: Flask, settings: Settings) -> Iterator[None]:
    """The application is kept for the next test: its mail settings too."""
    yield
    configure(app, server=settings.mail_server, port=settings.mail_port, use_tls=False, username=None, password=None)


@contextmanager
def other_server(app: Flask, **options: Any) -> Iterator[MailServer]:
    """Another mail server for the application, with TLS or a password."""
    server = MailServer(HERE, free_port())
    controller = Controller(server, hostname=HERE, port=server.port, **options)
    controller.start()
    configure(app, server=server.hostname, port=server.port)
    try:
        yield server
    finally:
        controller.stop()


def certificate(folder: Path, address: str) -> Path:
    """A certificate that signs itself, with its key, for an IP address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.org")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


def tls(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def knows(_server: object, _session: object, _envelope: object, _mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"plenary", SECRET.encode()), handled=False)


def test_a_mail_that_comes_through_says_each_step(runner: FlaskCliRunner, smtp: MailServer) -> None:
    assert [line.partition("; it says")[0].partition("offers")[0] for line in check(runner, 0)] == [
        f"Mail server {HERE}, port {smtp.port}: not encrypted, for MAIL_USE_TLS is off; not signed in, "
        "for MAIL_USERNAME is empty.",
        "From dialogue@example.org; in the envelope dialogue@example.org (BOUNCE_ADDRESS).",
        "Connected",
        "EHLO: it ",
        "MAIL: it takes BOUNCE_ADDRESS as the envelope's sender.",
        "RCPT: it takes the recipient.",
        "DATA: it has taken the mail: 250 2.0.0 OK",
        "It came through.",
    ]
    (mail,) = smtp.mails
    assert (mail.recipients, mail.sender) == ((AMINA,), "dialogue@example.org")
    assert mail.text == "This is a test mail from Plenary: mail leaves, and reaches you.\r\n"


def test_what_the_server_offers_is_listed(runner: FlaskCliRunner, smtp: MailServer) -> None:
    (offered,) = [line for line in check(runner, 0) if line.startswith("EHLO")]
    assert offered == "EHLO: it offers SIZE 33554432, 8BITMIME, SMTPUTF8, HELP."


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (
            "550 5.7.1 Relaying denied",
            "It takes no mail to this address from this machine: sign in, have it relay for this machine, or try "
            "another address.",
        ),
        (
            "451 4.7.1 Greylisted",
            "It says no for now (busy, or it lets strangers wait): try again in a few minutes, as the worker does.",
        ),
        ("530 5.7.0 Sign in", "It wants to know who sends: set MAIL_USERNAME and MAIL_PASSWORD, with MAIL_USE_TLS=1."),
    ],
)
def test_a_refused_recipient_stops_it(runner: FlaskCliRunner, smtp: MailServer, reply: str, advice: str) -> None:
    smtp.replies[AMINA] = reply
    assert check(runner, 1)[-3:] == [f"It stopped at RCPT: {reply}", advice, "It did not come through."]
    assert smtp.mails == []


def test_a_refused_mail_stops_it(runner: FlaskCliRunner, smtp: MailServer) -> None:
    smtp.reply_to_data = "550 5.7.26 No SPF, no DKIM"
    assert check(runner, 1)[-3:-1] == [
        "It stopped at the mail itself: 550 5.7.26 No SPF, no DKIM",
        "It looked at the mail and refused it: see its words, and the DNS records below.",
    ]


def test_where_nothing_listens_it_says_so(app: Flask, runner: FlaskCliRunner) -> None:
    configure(app, port=free_port())
    assert check(runner, 1)[2:] == [
        "It stopped at connection: [Errno 111] Connection refused",
        "Nothing listens there: look at MAIL_SERVER and MAIL_PORT (25, or 587 for signing in).",
        "It did not come through.",
    ]


def test_a_server_without_tls_is_told(app: Flask, runner: FlaskCliRunner, smtp: MailServer) -> None:
    configure(app, use_tls=True)
    assert check(runner, 1)[-3:-1] == [
        "It stopped at EHLO: STARTTLS extension not supported by server.",
        "It does not offer what the settings ask for: look at MAIL_USE_TLS, MAIL_USERNAME and MAIL_PORT.",
    ]


def test_a_certificate_that_is_not_valid_stops_it(app: Flask, runner: FlaskCliRunner, tmp_path: Path) -> None:
    with other_server(app, tls_context=tls(certificate(tmp_path, HERE))):
        configure(app, use_tls=True)
        assert check(runner, 1)[-4:-1] == [
            "STARTTLS: it is ready to encrypt.",
            "It stopped at STARTTLS: the certificate is not valid (self-signed certificate)",
            "Set MAIL_SERVER to the name in its certificate, or have the certificate renewed.",
        ]


def test_encrypted_and_signed_in_it_says_both(
    app: Flask, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, HERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with other_server(app, tls_context=tls(path), authenticator=knows, auth_required=True) as server:
        configure(app, use_tls=True, username="plenary", password=SECRET)
        said = check(runner, 0)
        assert f"Mail server {HERE}, port {server.port}: encrypted; signed in as plenary." in said
        assert "Encrypted with TLSv1.3; the certificate is valid." in said
        assert "AUTH: signed in." in said
        configure(app, password="wrong")
        refused = check(runner, 1)
        assert refused[-2] == "It does not believe who we are: look at MAIL_USERNAME and MAIL_PASSWORD."
        assert [line for line in (*said, *refused) if SECRET in line] == []


def test_an_address_that_is_none_is_refused(runner: FlaskCliRunner, smtp: MailServer) -> None:
    result = runner.invoke(args=["mail", "check", "nobody"])
    assert (result.exit_code, smtp.mails) == (1, [])


def test_without_a_mail_server_in_development_it_writes_a_file(app: Flask, settings: Settings) -> None:
    app.config["PLENARY"] = replace(settings, env="development", mail_server="")
    try:
        said = check(app.test_cli_runner(), 0)
    finally:
        app.config["PLENARY"] = settings
    folder = settings.instance_path / "mail"
    assert said == [
        f"No MAIL_SERVER is set on this development machine: the mail is a file in {folder}.",
        "It is a file: nothing has left this machine.",
    ]
    assert len(list(folder.glob("*.eml"))) == 1


@pytest.mark.parametrize(
    ("server", "spf"),
    [
        ("mail.example.net", "v=spf1 a:mail.example.net -all"),
        ("198.51.100.7", "v=spf1 a:NAME-OF-YOUR-MAIL-SERVER -all"),
        ("9.9.9.9", "v=spf1 ip4:9.9.9.9 -all"),
        ("localhost", "v=spf1 a:NAME-OF-YOUR-MAIL-SERVER -all"),
    ],
)
def test_the_records_are_those_of_the_senders_domain(settings: Settings, server: str, spf: str) -> None:
    lines = [line.strip() for line in dns_records(replace(settings, mail_server=server))]
    assert [line for line in lines if " TXT " in line] == [
        f'example.org. TXT "{spf}"',
        'SELECTOR._domainkey.example.org. TXT "v=DKIM1; k=rsa; p=PUBLIC-KEY"',
        '_dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"',
    ]
    assert lines[2].startswith("Nothing was looked up")
    assert any("List-Unsubscribe and List-Unsubscribe-Post" in line for line in lines)


@pytest.mark.parametrize(
    ("bounces", "domains", "warned"),
    [
        ("bounces@example.org", ["example.org"], False),
        ("bounces@mail.Example.org", ["mail.example.org", "example.org"], False),
        ("bounces@relay.example.net", ["relay.example.net", "example.org"], True),
        ("bounces@notexample.org", ["notexample.org", "example.org"], True),
    ],
)
def test_spf_is_that_of_the_envelopes_domain_too(
    settings: Settings, bounces: str, domains: list[str], warned: bool
) -> None:
    """And where the two domains do not belong together, it says what that means for DMARC."""
    lines = [line.strip() for line in dns_records(replace(settings, bounce_address=bounces))]
    assert [line.partition(". TXT")[0] for line in lines if "v=spf1" in line] == domains
    assert any(line.startswith(f"Beware: {domains[0]} is not example.org") for line in lines) == warned


def test_a_sender_that_is_refused_is_the_envelopes(runner: FlaskCliRunner, smtp: MailServer) -> None:
    smtp.reply_to_sender = "550 5.7.1 Not yours"
    assert check(runner, 1)[-3:-1] == [
        "It stopped at MAIL: 550 5.7.1 Not yours",
        "It does not send for this BOUNCE_ADDRESS (MAIL_DEFAULT_SENDER where that is not set): use an address of a "
        "domain that it sends for.",
    ]
