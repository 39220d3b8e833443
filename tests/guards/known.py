"""What `make mutate` has to be told: the tests of a module, and the guards behind others that hold by themselves."""

from __future__ import annotations

NEAR = {
    "access": [
        "tests/web/test_organizer_sign_in.py",
        "tests/web/test_second_factor.py",
        "tests/web/test_cross_site.py",
    ],
    "accounts": [
        "tests/domain/test_accounts.py",
        "tests/domain/test_second_factor.py",
        "tests/test_commands.py",
        "tests/web/test_organizer_sign_in.py",
    ],
    "announcements": ["tests/web/test_announcement_desk.py", "tests/web/test_masked_mails.py"],
    "assets": ["tests/web/test_public_page.py"],
    "attendee_mails": ["tests/web/test_attendee_mails.py", "tests/web/test_masked_mails.py"],
    "attendees": [
        "tests/domain/test_attendees.py",
        "tests/web/test_organizer_attendees.py",
        "tests/domain/test_exports.py",
    ],
    "columns": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "desk": ["tests/web/test_organizer_sign_in.py"],
    "desk_sessions": [
        "tests/domain/test_accounts.py",
        "tests/web/test_organizer_sign_in.py",
        "tests/web/test_masks.py",
    ],
    "erasure": ["tests/web/test_own_data.py", "tests/web/test_own_links.py"],
    "event": ["tests/web/test_organizer_events.py", "tests/web/test_masks.py"],
    "events": ["tests/web/test_organizer_events.py", "tests/web/test_masks.py", "tests/web/test_organizer_exports.py"],
    "exports": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "figures": ["tests/web/test_organizer_events.py"],
    "forgetting": ["tests/test_forgetting.py"],
    "key_checks": ["tests/test_starting.py"],
    "link_keys": ["tests/web/test_feeds.py", "tests/web/test_own_data.py"],
    "looks": ["tests/web/test_masks.py"],
    "masks": [
        "tests/domain/test_masks.py",
        "tests/web/test_announcement_desk.py",
        "tests/web/test_organizer_reminders.py",
        "tests/web/test_masked_mails.py",
    ],
    "participant": ["tests/web/test_own_page.py"],
    "participation": ["tests/web/test_own_page.py", "tests/web/test_own_links.py"],
    "passwords": ["tests/domain/test_passwords.py", "tests/web/test_organizer_account.py"],
    "reminder_words": ["tests/web/test_organizer_reminders.py", "tests/web/test_masks.py"],
    "reminders": ["tests/web/test_organizer_reminders.py", "tests/web/test_masked_mails.py"],
    "selection": ["tests/web/test_organizer_attendees.py", "tests/web/test_organizer_exports.py"],
    "sign_in": ["tests/web/test_organizer_sign_in.py", "tests/web/test_sign_in_tries.py"],
    "signup": ["tests/web/test_limits.py", "tests/web/test_no_telling.py", "tests/web/test_signup.py"],
    "unmasking": ["tests/domain/test_unmasking.py", "tests/web/test_masks.py"],
    "words": ["tests/web/test_organizer_alarm.py"],
}
"""Tests of a module; those of others are called like it."""
DESK = "registration/web/organizer"
SEE_LIST = "may(organizer(), Action.SEE_LIST, event) -> True"
LISTS = "whoever may write mails may see the list"
RACE = "whoever deleted it just now might do this too"
LOCKED = "db.session.execute(locked.execution_options(populate_existing=True)).scalar() is None"
LABELS = "what it labels is masked already"
UNNAMED = "a list of one category at risk that does not say so has been refused"
LINK = "accounts.py organizer_of_key: if organizer.password_link_until is None -> False"
REDUNDANT = {
    "registration/web/access.py guarded: if organizer is None -> False": "the desk has sent them to sign in before",
    "registration/domain/accounts.py check_sign_in: if organizer is None -> False": "no password fits nobody",
    f"registration/domain/{LINK}": "the link that was used is of an older generation",
    "registration/domain/passwords.py fits: -> True": "the hash that stands for none fits no password",
    "registration/domain/announcements.py _locked: if found is None -> False": RACE,
    f"registration/domain/reminders.py send_now: if {LOCKED} -> False": RACE,
    f"{DESK}/announcement_words.py group_lines: shown_categories(unmasked=True)": LABELS,
    f"{DESK}/reminder_words.py whom_text: shown_categories(unmasked=True)": LABELS,
    "registration/domain/exports.py write_down: conditions_of(unmasked=True)": UNNAMED,
    "registration/domain/exports.py __init__: conditions_of(unmasked=True)": UNNAMED,
    f"{DESK}/sessions.py _page: {SEE_LIST}": "the part of the page with them is for who may see the list",
    f"{DESK}/announcement_previews.py _reader: {SEE_LIST}": LISTS,
    f"{DESK}/announcement_previews.py _named: {SEE_LIST}": LISTS,
    f"{DESK}/reminder_mails.py _person: {SEE_LIST}": LISTS,
    "templates/organizer/reminder_preview.html organizer_may(Action.SEE_LIST, event) -> true": LISTS,
}
"""Guards behind another that holds by itself: what survives, and why that is right."""
