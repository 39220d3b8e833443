// Adds the reader's own zone to every list of times that does not show its offset already. Nothing is asked of anybody.
const ownLabel = document.querySelector("script[data-own]").dataset.own;
const language = document.documentElement.lang;
const locale = (language === "en" ? "en-GB" : language) + "-u-ca-gregory-nu-latn";
const dates = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
const clocks = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// Browsers still give some zones the names of CLDR.
const renamed = {
  Calcutta: "Kolkata", Faeroe: "Faroe", Godthab: "Nuuk", Katmandu: "Kathmandu", Kiev: "Kyiv", Ponape: "Pohnpei",
  Rangoon: "Yangon", Saigon: "Ho Chi Minh", Truk: "Chuuk",
};
const lastPart = Intl.DateTimeFormat().resolvedOptions().timeZone.split("/").pop();
const city = renamed[lastPart] || lastPart.replaceAll("_", " ");

function offsetName(moment) {
  const minutes = -moment.getTimezoneOffset();
  if (!minutes) return "UTC";
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest ? ":" + String(rest).padStart(2, "0") : ""}`;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function timeOf(moment) {
  const made = element("time", "", clocks.format(moment));
  made.dateTime = moment.toISOString();
  return made;
}

function dateOf(moment) {
  return element("span", "date", dates.format(moment));
}

for (const list of document.querySelectorAll("dl.times")) {
  const starts = new Date(list.dataset.starts);
  const offset = offsetName(starts);
  if ([...list.children].some((row) => row.dataset.offset === offset)) continue;
  const range = element("span", "range", timeOf(starts));
  if (list.dataset.ends) {
    const ends = new Date(list.dataset.ends);
    const sameDay = ends.toDateString() === starts.toDateString();
    if (!sameDay) range.className = "";
    range.append(" – ", ...(sameDay ? [] : [dateOf(ends), " "]), timeOf(ends));
  }
  const answer = element("dd", "", dateOf(starts), " ", range);
  const place = element("dt", "", element("bdi", "", city), " ", element("bdi", "offset", offset), " ");
  place.append(element("span", "offset", ownLabel));
  const row = element("div", "own", place, answer);
  row.dataset.offset = offset;
  list.prepend(row);
}
