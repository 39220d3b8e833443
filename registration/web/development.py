"""A development machine's mail, as a mail program would show it. Bound in development alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

from flask import Blueprint, Response, current_app, render_template
from flask_babel import lazy_gettext as _l

from registration.errors import NotFound
from registration.mail.posting import mail_folder
from registration.web.mail_frame import framed, framing

blueprint = Blueprint("development", __name__, url_prefix="/development")


@dataclass(frozen=True)
class Mail:
    """One mail in the folder."""

    name: str
    message: EmailMessage

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return parsedate_to_datetime(self.message["Date"])

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""

    @property
    def files(self) -> list[tuple[str, str]]:
        """Its attachments: (name, what is in them)."""
        return [
            (part.get_filename() or "", bytes(part.get_payload(decode=True)).decode())
            for part in self.message.iter_attachments()
        ]


@blueprint.get("/mail/")
def mails() -> str:
    """Show the folder, the newest first."""
    folder = mail_folder(current_app.config["PLENARY"])
    found = sorted((_read(path) for path in folder.glob("*.eml")), key=lambda mail: mail.at, reverse=True)
    return render_template("development/mails.html", mails=found)


@blueprint.get("/mail/<key:name>/")
def mail(name: str) -> Response:
    """Show one mail."""
    return framing(render_template("development/mail.html", mail=_called(name)))


@blueprint.get("/mail/<key:name>/body.html")
def body(name: str) -> Response:
    """Answer a mail's HTML, shut in."""
    part = _called(name).message.get_body(("html",))
    return framed(str(part.get_content()) if part else "")


@blueprint.get("/mail/<key:name>/files/<int:number>")
def attachment(name: str, number: int) -> Response:
    """Answer one attachment as it came."""
    parts = list(_called(name).message.iter_attachments())
    if number >= len(parts):
        raise NotFound(_l("There is no such page; look at the address again."))
    part = parts[number]
    response = Response(bytes(part.get_payload(decode=True)), content_type=part["Content-Type"])
    response.headers.set("Content-Disposition", "attachment", filename=part.get_filename() or "file")
    return response


def _called(name: str) -> Mail:
    path = mail_folder(current_app.config["PLENARY"]) / f"{name}.eml"
    if not path.exists():
        raise NotFound(_l("There is no such mail; the list may be newer."))
    return _read(path)


def _read(path: Path) -> Mail:
    return Mail(path.stem, message_from_bytes(path.read_bytes(), EmailMessage, policy=default))
