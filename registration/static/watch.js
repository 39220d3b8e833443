// Counts down to the start, and asks for the page anew once, some seconds after it has changed.
const locale = document.documentElement.lang + "-u-nu-latn";
const list = new Intl.ListFormat(locale, { type: "unit" });
const countdown = document.querySelector(".countdown");
const SIZES = { day: 86400, hour: 3600, minute: 60, second: 1 };

function inWords(seconds) {
  const units = Object.keys(SIZES);
  const first = Math.max(0, units.findIndex((unit) => seconds >= SIZES[unit]));
  return list.format(
    units.slice(first, first + 2).map((unit) => {
      const count = Math.floor(seconds / SIZES[unit]);
      seconds -= count * SIZES[unit];
      return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count);
    }),
  );
}

function count() {
  const seconds = Math.floor((new Date(countdown.dataset.until) - Date.now()) / 1000);
  countdown.hidden = seconds <= 0;
  if (seconds > 0) countdown.querySelector("bdi").textContent = inWords(seconds);
}

if (countdown) {
  count();
  setInterval(count, 1000);
}

// Everybody's page changes at one instant: chance spreads them over half a minute. A clock that is fast brings the old
// page again; such a reader asks once more, a minute later.
const stage = document.querySelector("[data-changes]");
if (stage) {
  const changes = new Date(stage.dataset.changes).getTime();
  const wait = Math.random() * 30000 + (Date.now() < changes ? 0 : 60000);
  const watching = setInterval(() => {
    const since = Date.now() - changes;
    if (since < wait) return;
    clearInterval(watching);
    if (since < 120000) location.reload();
  }, 1000);
}
