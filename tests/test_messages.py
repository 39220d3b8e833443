"""Messages as they leave: what a mail program reads is what was written, in every language."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from registration.mail.letter import CalendarFile, Letter
from registration.mail.posting import message_of
from registration.mail.size import sent_size
from registration.text import clean_line
from tests.support.clock import START

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TITLES = {
    "en": "You are registered: Virtual Dialogue with Human Rights and Civil Society Partners on Building a Better "
    "Paradigm to Prevent and Counter Terrorism – a film, “VictimA”",
    "fr": "Vous êtes sur la liste d’attente\u00a0: Dialogue virtuel avec les partenaires des droits humains et de la "
    "société civile : bâtir un meilleur paradigme pour prévenir et combattre le terrorisme",
    "ar": "رابطكم: حوار افتراضي مع الشركاء في مجال حقوق الإنسان والمجتمع المدني بشأن بناء نموذج "
    "أفضل لمنع الإرهاب ومكافحته",
    "ru": "Вы зарегистрированы: Виртуальный диалог с партнёрами по правам человека и гражданским обществом о "
    "построении лучшей парадигмы предупреждения терроризма и борьбы с ним",
    "zh": "您已注册：与人权和民间社会伙伴的虚拟对话：构建预防和打击恐怖主义的更好范式" * 3,
}


SENDERS = {
    "en": "Dialogue team (sample)",
    "fr": "Équipe du Dialogue (exemple)",
    "ar": "فريق الحوار (نموذج)",
    "ru": "Команда Диалога (пример)",
    "zh": "对话团队（示例）",
}


def octets_of(subject: str = "Subject", sender: str = "Dialogue team", text: str = "Text\n") -> bytes:
    letter = Letter(
        to="amina@example.org",
        sender_name=sender,
        reply_to="dialogue@example.org",
        language="fr",
        subject=subject,
        text=text,
        html="<p>Text</p>",
        files=[CalendarFile("event.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")],
    )
    return bytes(message_of(letter, message_id="<x@example.org>", now=START))


@pytest.mark.parametrize("language", TITLES)
def test_a_subject_keeps_its_words_and_spaces(app: Flask, language: str) -> None:
    with app.app_context():
        octets = octets_of(TITLES[language], sender=SENDERS[language])
    message = message_from_bytes(octets, policy=policy.default)
    assert message["Subject"] == TITLES[language]
    assert message["From"].addresses[0].display_name == SENDERS[language]


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=300))
def test_any_subject_comes_back_as_it_was(app: Flask, words: str) -> None:
    subject = clean_line(words)
    with app.app_context():
        octets = octets_of(subject)
    assert message_from_bytes(octets, policy=policy.default)["Subject"] == subject


def test_no_line_of_a_message_is_longer_than_mail_servers_take(app: Flask) -> None:
    """RFC 5322, 2.1.1: 998 octets, and CRLF alone ends a line."""
    with app.app_context():
        octets = octets_of(TITLES["ar"] * 3, text="word " * 4000 + "é" * 4000 + "\n.\n.hidden\n")
    lines = octets.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)


def test_a_message_is_text_beside_html_and_then_the_files(app: Flask) -> None:
    with app.app_context():
        message = message_from_bytes(octets_of(), policy=policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert (message["Content-Language"], message["Auto-Submitted"]) == ("fr", "auto-generated")
    assert message["Date"].datetime == START
    (file,) = message.iter_attachments()
    assert file["Content-Type"].params == {"charset": "utf-8"}
    assert file.get_payload(decode=True) == b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize("language", TITLES)
def test_words_travel_in_whichever_encoding_is_shorter(app: Flask, language: str) -> None:
    words = f"{TITLES[language]}\n" * 40
    with app.app_context():
        message = message_from_bytes(octets_of(text=words), policy=policy.default)
    part = message.get_body(("plain",))
    sent = part.get_payload()
    sizes = {encoding: len(encoded(words, encoding)) for encoding in ("base64", "quoted-printable")}
    assert part["Content-Transfer-Encoding"] == min(sizes, key=lambda encoding: sizes[encoding])
    assert sent_size(words) == pytest.approx(len(sent.replace("\n", "\r\n")), rel=0.05)


def encoded(words: str, encoding: str) -> str:
    part = EmailMessage()
    part.set_content(words, cte=encoding)
    return str(part.get_payload())
