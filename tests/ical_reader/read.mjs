// Reads calendars with ical.js, the library of Thunderbird, and says what it found.
// Each line of standard input is a JSON list of files, their octets in base64; each line of standard output is the
// JSON list of what was read: {"calendar": ...}, or {"error": "..."} for what a strict reader would refuse.
import { createInterface } from "node:readline";
import ICAL from "ical.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function read(base64) {
  try {
    const parsed = ICAL.parse(utf8.decode(Buffer.from(base64, "base64")));
    if (parsed[0] !== "vcalendar") throw new Error("not one VCALENDAR");
    return { calendar: calendarOf(new ICAL.Component(parsed)) };
  } catch (error) {
    return { error: String(error) };
  }
}

function calendarOf(calendar) {
  return {
    name: calendar.getFirstPropertyValue("name"),
    method: calendar.getFirstPropertyValue("method"),
    zones: calendar.getAllSubcomponents("vtimezone").map((zone) => zone.getFirstPropertyValue("tzid")),
    events: calendar.getAllSubcomponents("vevent").map(eventOf),
  };
}

function eventOf(event) {
  const value = (name) => only(event, name)?.getFirstValue() ?? null;
  return {
    uid: value("uid"),
    zone: only(event, "dtstart").getParameter("tzid") ?? null,
    start: instant(only(event, "dtstart")),
    end: instant(only(event, "dtend")),
    stamp: instant(only(event, "dtstamp")),
    summary: value("summary"),
    description: value("description"),
    location: value("location"),
    url: value("url"),
    conference: value("conference"),
    language: only(event, "summary")?.getParameter("language") ?? null,
    status: value("status"),
    sequence: value("sequence"),
    access: value("class"),
    organizer: only(event, "organizer") && person(only(event, "organizer")),
    attendees: event.getAllProperties("attendee").map(person),
    alarms: event.getAllSubcomponents("valarm").map(alarmOf),
  };
}

// The one property of a name; what stands twice is no good entry.
function only(component, name) {
  const found = component.getAllProperties(name);
  if (found.length > 1) throw new Error(`${found.length} times ${name.toUpperCase()}`);
  return found[0] ?? null;
}

// An instant in UTC. A wall time counts only by the VTIMEZONE of the file itself: ical.js would take one whose zone
// the file does not state as floating, and the zones of this machine are never asked.
function instant(property) {
  const time = property.getFirstValue();
  const tzid = property.getParameter("tzid");
  const zone = tzid ? property.parent.getTimeZoneByID(tzid) : ICAL.Timezone.utcTimezone;
  if (!zone || time.zone !== zone) throw new Error(`no zone for ${property.toICALString()}`);
  return new Date(time.toUnixTime() * 1000).toISOString();
}

function person(property) {
  const { cn = null, ...parameters } = property.toJSON()[1];
  return { address: property.getFirstValue(), name: cn, parameters };
}

function alarmOf(alarm) {
  return {
    action: alarm.getFirstPropertyValue("action"),
    description: alarm.getFirstPropertyValue("description"),
    trigger: alarm.getFirstPropertyValue("trigger").toSeconds(),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(JSON.parse(line).map(read)) + "\n");
}
