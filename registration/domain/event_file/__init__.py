"""The event file: one YAML file that describes an event (docs/event-file.md), read into the database."""

from registration.domain.event_file.faults import EventFileFaults, Fault
from registration.domain.event_file.importing import ImportResult, Outcome, import_event
from registration.domain.event_file.reading import decode
from registration.domain.event_file.walltimes import parse_shift

__all__ = ["EventFileFaults", "Fault", "ImportResult", "Outcome", "decode", "import_event", "parse_shift"]
