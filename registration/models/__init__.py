"""The tables, by noun. Models hold data and constraints; what may happen to them is decided in `domain`."""

from registration.models.announcement import Announcement
from registration.models.delivery import Delivery, MailPace, ReminderRound, StoppedAddress
from registration.models.event import Category, Event, Question, ReminderRule
from registration.models.export import Export
from registration.models.invitation import Invitation
from registration.models.key_check import KeyCheck
from registration.models.organizer import Organizer, OrganizerRole, OrganizerSession
from registration.models.programme import EventSession, ProgrammeItem, SessionRevision, Speaker, Stream
from registration.models.registration import Registration, SessionChoice
from registration.models.submission import Submission
from registration.models.unmasking import Unmasking

__all__ = [
    "Announcement",
    "Category",
    "Delivery",
    "Event",
    "EventSession",
    "Export",
    "Invitation",
    "KeyCheck",
    "MailPace",
    "Organizer",
    "OrganizerRole",
    "OrganizerSession",
    "ProgrammeItem",
    "Question",
    "Registration",
    "ReminderRound",
    "ReminderRule",
    "SessionChoice",
    "SessionRevision",
    "Speaker",
    "StoppedAddress",
    "Stream",
    "Submission",
    "Unmasking",
]
