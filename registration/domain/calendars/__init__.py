"""Calendar files and links: a session in people's own calendars, at the right time everywhere."""

import icalendar

# One time zone provider in the whole project; icalendar's own default is zoneinfo.
icalendar.use_pytz()
