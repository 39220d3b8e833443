// Offers the reader's own zone where none is chosen yet. Nothing is sent anywhere; without scripts people choose it.
const zone = document.querySelector("select[name=zone]");

// Browsers know some zones by another name than we do (Asia/Katmandu): both lead to the same zone.
function own(name) {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone === here;
  } catch {
    return false;
  }
}

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !zone.value) {
  const options = [...zone.options].filter((option) => option.value);
  const found = options.find((option) => option.value === here) || options.find((option) => own(option.value));
  if (found) zone.value = found.value;
}
