// Offers the reader's own zone where none is chosen yet. Nothing is sent anywhere; without scripts people choose it.
const zone = document.querySelector("select[name=zone]");
if (zone && !zone.value) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === own)) zone.value = own;
}
