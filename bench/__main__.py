"""Runs all measurements, one after another."""

from bench import event_page, export, feeds, handover, invitations, memory, reminders, sealing, signup, telling

for measurement in (event_page, feeds, invitations, signup, sealing, telling, export, reminders, handover, memory):
    print(f"\n{(measurement.__doc__ or '').strip().splitlines()[0]}")
    measurement.main()
