"""Who may do what over HTTP: every route, every method, every kind of reader, in one table written by hand.

A row says who gets through and how the answer then shows it: words of the page, or "→" and where it leads. All others
get what `Row.refusal` says. A route without a row fails, and so does a row without a route. To add a route, add a line:

    page("organizer.faces", f"{DESK}faces/", LISTING, "Faces"),
    form("organizer.paint", f"{DESK}faces/", EDITING, f"→{DESK}faces/", colour="red"),

`page` is a GET (HEAD is asked along with it), `form` a POST whose fields stand at the end; `of=` names the page of the
desk whose form is sent, with these fields in place of what it shows. What stands in braces is a name in `World.ids`, by
which the same table is asked with the ids of another event, and with ids that nobody has. Every method that has no row
at an address is refused with 405. A form that keeps nothing says `keeps=False`; a page that keeps something fails.

The thirteenth subject, the worker and the command line, is none over HTTP: that no route is theirs is what this table
shows; `attendees export --by` holds the command line to the roles (tests/test_commands.py).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.organizers import PASSWORD


class Subject(enum.StrEnum):
    """Who asks, and with what in hand."""

    STRANGER = "stranger"
    UNPROVED = "signed up, with the link that proves the address"
    PARTICIPANT = "confirmed, with the cookie of the own page"
    PARTICIPANT_ELSEWHERE = "confirmed for another event, with the cookie"
    FEED_HOLDER = "with the address of a participant's feed"
    STOP_HOLDER = "with the link that ends reminders"
    INVITED = "with the one-time link of a new account"
    WITHOUT_ROLE = "organizer without a role"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    EXPORTER = "exporter"
    EDITOR = "editor"
    OWNER = "owner"
    OWNER_ELSEWHERE = "owner of another event"
    ADMINISTRATOR = "owner of all events"
    DISABLED = "owner whose account is disabled"
    EXPIRED = "owner whose session is over"


class Outcome(enum.StrEnum):
    """What comes of it."""

    ALLOWED = "allowed"
    SIGN_IN = "sent to sign in"
    HIDDEN = "told that there is nothing"
    FORBIDDEN = "told that the role does not allow it"
    NO_METHOD = "told that the page does not take it"


S = Subject
ALL = frozenset(Subject)
SEEING = frozenset({S.VIEWER, S.REVIEWER, S.EXPORTER, S.EDITOR, S.OWNER, S.ADMINISTRATOR})
LISTING = SEEING - {S.VIEWER}
DECIDING = frozenset({S.REVIEWER, S.EDITOR, S.OWNER, S.ADMINISTRATOR})
EDITING = frozenset({S.EDITOR, S.OWNER, S.ADMINISTRATOR})
EXPORTING = frozenset({S.EXPORTER, S.OWNER, S.ADMINISTRATOR})
OWNING = frozenset({S.OWNER, S.ADMINISTRATOR})
VETTING = OWNING | {S.REVIEWER}
SIGNED_IN = SEEING | {S.WITHOUT_ROLE, S.OWNER_ELSEWHERE}
PARTICIPANTS = frozenset({S.PARTICIPANT, S.PARTICIPANT_ELSEWHERE})

AT_DESK = {
    **dict.fromkeys(ALL - SIGNED_IN, Outcome.SIGN_IN),
    **dict.fromkeys(SIGNED_IN - SEEING, Outcome.HIDDEN),
    **dict.fromkeys(SEEING, Outcome.FORBIDDEN),
}
"""What who may not gets at the desk: nobody learns of an event that is not theirs, not even that there is one."""

EVENT = "/events/{event}/"
REGISTER = f"{EVENT}register/"
FIND = f"{EVENT}find/"
ANOTHER = "nine kites above a harbour"
"""A password that is good, and nobody's yet."""
FACTOR = "/organizer/account/second-factor/"
DESK = "/organizer/events/{event}/"
LIST = f"{DESK}attendees/"
PERSON = f"{LIST}{{person}}/"
EXPORT = f"{DESK}export/"
SESSION = f"{DESK}sessions/{{session}}/"
ANNOUNCEMENTS = f"{DESK}announcements/"
DRAFT = f"{ANNOUNCEMENTS}{{draft}}/"
LEAVING = f"{ANNOUNCEMENTS}{{leaving}}/"
SENT = f"{ANNOUNCEMENTS}{{sent}}/"
REMINDERS = f"{DESK}reminders/"
RULE = f"{REMINDERS}{{rule}}/"


@dataclass(frozen=True)
class Row:
    """One method of one route. `shows`: how an answer is known to be the right one. `kept`: who may keep it; nobody,
    "shared" (any cache) or "own" (the reader's programs, which ask each time)."""

    endpoint: str
    method: str
    path: str
    allowed: frozenset[Subject]
    shows: str
    fields: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
    keeps: bool = False
    token: bool = True
    kept: str = ""

    @property
    def name(self) -> str:
        """What a test of this row is called."""
        return f"{self.endpoint} {self.method} {self.path}"

    def expected(self, subject: Subject) -> Outcome:
        """What comes of it for somebody."""
        if subject in self.allowed:
            return Outcome.ALLOWED
        return Outcome.HIDDEN if self.is_by_link else AT_DESK[subject]

    @property
    def is_by_link(self) -> bool:
        """Whether a key is what opens it, in the address or in a cookie."""
        return "{key}" in self.path or self.path.startswith("/my/") or self.path == "/organizer/password/"

    @property
    def is_of_draft(self) -> bool:
        """Whether it is a public page of an event, which is there for organizers alone while the event is a draft."""
        return self.path.startswith((EVENT, "/s/"))


def page(endpoint: str, path: str, allowed: frozenset[Subject], shows: str, kept: str = "") -> Row:
    """Make the row of a GET."""
    return Row(endpoint, "GET", path, allowed, shows, kept=kept)


def form(
    endpoint: str,
    path: str,
    allowed: frozenset[Subject],
    shows: str,
    *,
    of: str = "",
    keeps: bool = True,
    token: bool = True,
    **fields: str,
) -> Row:
    """Make the row of a POST. `token`: whether it is refused without its CSRF token."""
    return Row(endpoint, "POST", path, allowed, shows, fields, of, keeps, token)


PUBLIC = [
    page("public.events", "/", ALL, "Virtual Dialogue", "shared"),
    page("public.event", EVENT, ALL, "Virtual Dialogue", "shared"),
    page("public.privacy", f"{EVENT}privacy/", ALL, "personal data", "shared"),
    page("watch.session", f"{EVENT}sessions/{{session}}/", ALL, "Cooperative Security", "shared"),
    page("watch.neutral", "/s/{code}/", ALL, "Online meeting", "shared"),
    page("calendar.event_feed", f"{EVENT}calendar.ics", ALL, "BEGIN:VEVENT", "shared"),
    page("calendar.event_file", f"{EVENT}sessions.ics", ALL, "BEGIN:VEVENT", "shared"),
    page("calendar.session_file", f"{EVENT}sessions/{{session}}.ics", ALL, "BEGIN:VEVENT", "shared"),
    page("static", "/static/plenary.css", ALL, "main", "shared"),
    page("health.alive", "/healthz", ALL, "alive"),
    page("health.ready", "/readyz", ALL, "ready"),
    page("metrics.metrics", "/metrics", ALL, "plenary_mails"),
    page("signup.categories", REGISTER, ALL, "Victim or survivor"),
    page("signup.register", f"{REGISTER}{{category}}/", ALL, "consent"),
    form("signup.submit", f"{REGISTER}{{category}}/", ALL, f"→{REGISTER}sent/", token=False, name="Noor",
         address="noor@example.org", sessions="human-rights", stream_language="floor", zone="UTC", consent="y"),
    page("signup.sent", f"{REGISTER}sent/", ALL, "mail"),
    page("signup.find", FIND, ALL, "address"),
    form("signup.send_link", FIND, ALL, f"→{FIND}sent/", token=False, address="amina@example.org"),
    page("own_data.erased", "/erased/", ALL, "erased"),
    page("own_data.sign_up_erased", "/erased/sign-up/", ALL, "deleted"),
    page("signup.found", f"{FIND}sent/", ALL, "mail"),
]  # fmt: skip
BY_LINK = [
    page("signup.prove_page", "/prove/{key}/", frozenset({S.UNPROVED}), "{name}"),
    form("signup.prove", "/prove/{key}/", frozenset({S.UNPROVED}), "→/my/", token=False),
    form("signup.erase_unproved", "/prove/{key}/erase/", frozenset({S.UNPROVED}), "→/erased/sign-up/", token=False),
    page("participant.enter", "/my/{key}/", PARTICIPANTS, "→/my/"),
    page("calendar.own_feed", "/feeds/{key}.ics", frozenset({S.FEED_HOLDER}), "BEGIN:VEVENT", "own"),
    page("unsubscribe.page", "/unsubscribe/{key}/", frozenset({S.STOP_HOLDER}), "reminders"),
    form("unsubscribe.stop", "/unsubscribe/{key}/", frozenset({S.STOP_HOLDER}), "reminders", token=False),
    form("unsubscribe.undo", "/unsubscribe/{key}/undo/", frozenset({S.STOP_HOLDER}), "→/unsubscribe/{key}/",
         keeps=False, token=False),
    page("participant.own", "/my/", PARTICIPANTS, "{name}"),
    form("participant.change", "/my/", PARTICIPANTS, "→/my/", sessions="{own_session}", stream_language="floor",
         zone="UTC", language="fr", calendar="own"),
    form("participant.cancel", "/my/cancel/", PARTICIPANTS, "→/my/"),
    form("participant.switch_feed", "/my/feed/off/", PARTICIPANTS, "→/my/"),
    form("participant.switch_feed", "/my/feed/on/", PARTICIPANTS, "→/my/", keeps=False),
    form("participant.switch_reminders", "/my/reminders/off/", PARTICIPANTS, "→/my/"),
    form("participant.switch_reminders", "/my/reminders/on/", PARTICIPANTS, "→/my/", keeps=False),
    page("own_data.copy", "/my/copy/", PARTICIPANTS, "{name}"),
    page("own_data.erase_page", "/my/erase/", PARTICIPANTS, "Erase everything?"),
    form("own_data.erase", "/my/erase/", PARTICIPANTS, "→/erased/"),
    *(form("own_links.renew", f"/my/links/{kind}/renew/", PARTICIPANTS, "→/my/")
      for kind in ("manage", "feed", "unsubscribe", "all")),
    form("participant.leave", "/my/leave/", ALL, "→/", keeps=False),
    page("calendar.own_file", "/my/sessions/{code}.ics", frozenset({S.PARTICIPANT}), "BEGIN:VEVENT"),
]  # fmt: skip
AT_THE_DOOR = [
    page("organizer.sign_in", "/organizer/sign-in/", ALL, "Sign in"),
    form("organizer.sign_in", "/organizer/sign-in/", ALL, "→/organizer/", address="door@example.org",
         password=PASSWORD),
    form("organizer.sign_out", "/organizer/sign-out/", SIGNED_IN, "→/organizer/sign-in/"),
    page("organizer.home", "/organizer/", SIGNED_IN, "My events"),
    page("organizer.password", "/organizer/password/{key}/", frozenset({S.INVITED}), "→/organizer/password/"),
    page("organizer.set_password", "/organizer/password/", frozenset({S.INVITED}), "new@example.org"),
    form("organizer.set_password", "/organizer/password/", frozenset({S.INVITED}), "→/organizer/sign-in/",
         password=PASSWORD, again=PASSWORD),
    page("organizer.account", "/organizer/account/", SIGNED_IN, "My account"),
    form("organizer.change_password", "/organizer/account/password/", SIGNED_IN, "→/organizer/account/",
         current=PASSWORD, password=ANOTHER, again=ANOTHER),
    form("organizer.end_sessions", "/organizer/account/sessions/", SIGNED_IN, "→/organizer/account/",
         keeps=False, **{"end-password": PASSWORD}),
    page("organizer.second_factor", FACTOR, SIGNED_IN, "Second factor"),
    form("organizer.begin_second_factor", FACTOR, SIGNED_IN, f"→{FACTOR}", password=PASSWORD),
    form("organizer.confirm_second_factor", f"{FACTOR}confirm/", SIGNED_IN, "Recovery codes", code="{app_code}"),
    form("organizer.end_second_factor", f"{FACTOR}off/", SIGNED_IN, "Second factor", keeps=False, password=PASSWORD,
         code="000000"),
]  # fmt: skip
OF_AN_EVENT = [
    page("organizer.event", DESK, SEEING, "Registrations"),
    page("organizer.attendees", LIST, LISTING, "Rana"),
    form("organizer.search", f"{LIST}search", LISTING, f"→{LIST}", keeps=False, search="rana"),
    form("organizer.decide", f"{LIST}decide", DECIDING, f"→{LIST}", decision="approve",
         chosen="{person}:in_review"),
    page("organizer.attendee", PERSON, LISTING, "rana@example.org"),
    form("organizer.decide_one", PERSON, DECIDING, f"→{PERSON}", decision="approve", chosen="{person}:in_review"),
    form("organizer.unmask_list", f"{LIST}unmask", OWNING, f"→{LIST}", why="To plan rooms"),
    form("organizer.mask_list", f"{LIST}mask", OWNING, f"→{LIST}", keeps=False),
    form("organizer.show_category", f"{PERSON}category", VETTING, "Victim or survivor", why="To decide"),
    form("organizer.show_vetting_name", f"{PERSON}vetting-name", VETTING, "Rana Example-Vetted", why="To decide"),
    page("organizer.erase_page", f"{PERSON}erase", OWNING, "Erase this person?"),
    form("organizer.erase", f"{PERSON}erase", OWNING, f"→{LIST}"),
    form("organizer.send_mail_again", f"{PERSON}mails/{{mail}}/again", DECIDING, f"→{PERSON}"),
    form("organizer.write_again", f"{LIST}{{stopped}}/write-again", DECIDING, f"→{LIST}{{stopped}}/"),
    page("organizer.export", EXPORT, EXPORTING, "Why you take this list"),
    form("organizer.take", EXPORT, EXPORTING, "Rana", columns="name", format="csv", reason="To print badges"),
    page("organizer.sessions", f"{DESK}sessions/", SEEING, "Sessions"),
    page("organizer.session", SESSION, SEEING, "Opening session"),
    form("organizer.review_session", f"{SESSION}review", EDITING, "Before you save", of=SESSION, keeps=False,
         title_en="Another title"),
    form("organizer.edit_session", SESSION, EDITING, f"→{SESSION}", of=SESSION, title_en="Another title",
         tell="later"),
    form("organizer.tell_now", f"{DESK}sessions/{{moved}}/tell-now", EDITING, f"→{DESK}sessions/{{moved}}/"),
    form("organizer.send_again", f"{DESK}sessions/{{moved}}/send-again", EDITING, f"→{DESK}sessions/{{moved}}/"),
    page("organizer.announcements", ANNOUNCEMENTS, SEEING, "Announcements"),
    form("organizer.write_announcement", ANNOUNCEMENTS, EDITING, f"→{ANNOUNCEMENTS}", of=f"{ANNOUNCEMENTS}new",
         subject_en="The doors", text_en="They open at nine.", states="confirmed"),
    page("organizer.new_announcement", f"{ANNOUNCEMENTS}new", EDITING, "Write an announcement"),
    page("organizer.announcement", DRAFT, SEEING, "Who will get this"),
    form("organizer.save_announcement", DRAFT, EDITING, f"→{DRAFT}", of=DRAFT, subject_en="The doors"),
    form("organizer.delete_announcement", f"{DRAFT}delete", EDITING, f"→{ANNOUNCEMENTS}"),
    form("organizer.copy_announcement", f"{DRAFT}copy", EDITING, f"→{ANNOUNCEMENTS}"),
    page("organizer.confirm_announcement", f"{DRAFT}send", EDITING, "Before you send this"),
    form("organizer.send_announcement", f"{DRAFT}send", EDITING, f"→{DRAFT}", of=f"{DRAFT}send"),
    form("organizer.take_back_announcement", f"{LEAVING}take-back", EDITING, f"→{LEAVING}"),
    form("organizer.send_announcement_again", f"{SENT}again", DECIDING, f"→{SENT}"),
    page("organizer.preview_announcement", f"{DRAFT}preview/", EDITING, "Preview"),
    page("organizer.preview_body", f"{DRAFT}preview/body.html", EDITING, "Words of a draft"),
    form("organizer.try_announcement", f"{DRAFT}test", EDITING, f"→{DRAFT}preview/", keeps=False),
    page("organizer.reminders", REMINDERS, SEEING, "Reminders"),
    page("organizer.new_reminder", f"{DESK}new-reminder/", EDITING, "New reminder"),
    form("organizer.add_reminder", f"{DESK}new-reminder/", EDITING, f"→{REMINDERS}", of=f"{DESK}new-reminder/",
         minutes_before="3"),
    page("organizer.reminder", RULE, SEEING, "Who will get this and when"),
    form("organizer.edit_reminder", RULE, EDITING, f"→{RULE}", of=RULE, minutes_before="4"),
    form("organizer.delete_reminder", f"{RULE}delete", EDITING, f"→{REMINDERS}"),
    form("organizer.pause_reminder", f"{RULE}pause", EDITING, f"→{RULE}"),
    form("organizer.resume_reminder", f"{REMINDERS}{{paused}}/resume", EDITING, f"→{REMINDERS}{{paused}}/"),
    page("organizer.preview_reminder", f"{RULE}preview/", EDITING, "Preview"),
    page("organizer.reminder_body", f"{RULE}preview/body.html", EDITING, "Virtual Dialogue"),
    form("organizer.try_reminder", f"{RULE}test", EDITING, f"→{RULE}preview/", keeps=False, session="{session}"),
    page("organizer.review_reminder", f"{RULE}sessions/{{session}}/send/", EDITING, "Send now?"),
    form("organizer.send_reminder", f"{RULE}sessions/{{session}}/send/", EDITING, f"→{RULE}"),
    form("organizer.send_reminders_again", f"{REMINDERS}{{made}}/sessions/{{session}}/again", DECIDING,
         f"→{REMINDERS}{{made}}/"),
]  # fmt: skip
ROWS = [*PUBLIC, *BY_LINK, *AT_THE_DOOR, *OF_AN_EVENT]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
