"""The organizer's desk: a module per page, on one blueprint that is closed to whoever is signed out."""

from registration.web.organizer import (
    account,
    announcement_previews,
    announcements,
    attendee_mails,
    attendees,
    erasing,
    events,
    exports,
    looks,
    mail_troubles,
    reminder_mails,
    reminders,
    second_factor,
    sessions,
    sign_in,
    words,
)
from registration.web.organizer.desk import blueprint

__all__ = [
    "account",
    "announcement_previews",
    "announcements",
    "attendee_mails",
    "attendees",
    "blueprint",
    "erasing",
    "events",
    "exports",
    "looks",
    "mail_troubles",
    "reminder_mails",
    "reminders",
    "second_factor",
    "sessions",
    "sign_in",
    "words",
]
