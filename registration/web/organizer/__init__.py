"""The organizer's desk: a module per page, on one blueprint that is closed to whoever is signed out."""

from registration.web.organizer import attendee_mails, attendees, events, exports, sessions, sign_in, words
from registration.web.organizer.desk import blueprint

__all__ = ["attendee_mails", "attendees", "blueprint", "events", "exports", "sessions", "sign_in", "words"]
