"""The sample event: that it holds what the documents of the Dialogue say, and how it is moved to another time."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from sqlalchemy import select

from registration.domain.event_file import EventFileFaults, Outcome
from registration.errors import Refusal
from registration.extensions import db
from registration.models import ProgrammeItem
from tests.support.event_files import LATER, NOW, SAMPLE, SMALL, at, event, faults_of, line_of, take_in, wall

pytestmark = pytest.mark.usefixtures("context")


def item(slug: str) -> ProgrammeItem:
    return db.session.execute(select(ProgrammeItem).where(ProgrammeItem.slug == slug)).scalar_one()


class TestTheSample:
    def test_tells_what_who_when_and_where(self) -> None:
        assert take_in(SAMPLE) == Outcome.CREATED
        dialogue = event("dialogue-2021")
        assert dialogue.title["en"] == (
            "Virtual Dialogue with Human Rights and Civil Society Partners on Building a Better Paradigm to Prevent "
            "and Counter Terrorism"
        )
        assert [one["short"] or one["name"]["en"] for one in dialogue.organizers] == [
            "UNOCT",
            "Permanent Mission of Spain to the United Nations",
        ]
        assert [
            (
                one.slug,
                one.theme["en"],
                f"{one.starts_wall:%d %b %H:%M}–{one.ends_wall:%H:%M}",
                one.starts_at,
                one.ends_at,
            )
            for one in dialogue.sessions
        ] == [
            (
                "human-rights",
                "The Imperative of Respecting Human Rights in Counter-Terrorism Efforts",
                "25 May 10:00–13:15",
                at(2021, 5, 25, 14),
                at(2021, 5, 25, 17, 15),
            ),
            (
                "civil-society",
                "The Role of Civil Society in Preventing and Countering Terrorism and Protecting Rights of Victims of "
                "Terrorism",
                "26 May 09:00–12:30",
                at(2021, 5, 26, 13),
                at(2021, 5, 26, 16, 30),
            ),
        ]
        assert {
            (one.kind, one.audience, one.language, one.url) for day in dialogue.sessions for one in day.streams
        } == {
            ("live", "public", "floor", "https://webtv.un.org/"),
            ("recording", "public", "floor", "https://webtv.un.org/"),
        }
        assert dialogue.contacts == [
            {"name": "Ms. Laurence Gerard", "address": "gerardl@un.org"},
            {"name": "Ms. Yuli Yang", "address": "yuli.yang@un.org"},
        ]
        assert dialogue.hashtag == "#UNiteToCounterTerrorism"
        assert [rule.minutes_before for rule in dialogue.reminder_rules] == [1440, 15]

    def test_names_every_speaker_and_how_they_take_part(self) -> None:
        take_in(SAMPLE)
        assert [(one.name, one.part, one.delivered_by, one.to_be_confirmed) for one in item("opening").speakers] == [
            ("Mr. Vladimir Voronkov", "moderator", "", False),
            ("H.E. Ms. Arancha González Laya", "keynote", "", False),
            ("Ms. Michelle Bachelet", "video_message", "", False),
            ("H.E. Mr. Bankole Adeoye", "on_behalf_of", "Ambassador Osman Khamara", False),
            ("H.E. Ms. Ylva Johansson", "speaker", "", False),
            ("Ms. Åsa Regnér", "speaker", "", True),
            ("Mr. Eelco Kessels", "speaker", "", False),
            ("Ms. Katerina Hadzi-Miceva Evans", "speaker", "", False),
        ]
        assert [(one.name, one.title["en"], one.institution["en"]) for one in item("closing").speakers] == [
            (
                "Mr. Vladimir Voronkov",
                "Under-Secretary-General for Counter-Terrorism",
                "United Nations Office of Counter-Terrorism (UNOCT)",
            ),
            (
                "H.E. Mr. Agustín Santos Maraver",
                "Ambassador and Permanent Representative of Spain to the United Nations",
                "Permanent Mission of Spain to the United Nations",
            ),
            ("Mr. Francisco de la Torre", "Mayor of Málaga", "Spain"),
            (
                "H.E. Mr. Mohamed Al Hassan",
                "Ambassador and Permanent Representative to the United Nations, New York",
                "Sultanate of Oman",
            ),
        ]

    def test_quotes_word_for_word(self) -> None:
        take_in(SAMPLE)
        said = {one.slug: [quote["en"] for quote in one.quotes] for one in item("opening").speakers}
        assert {slug: len(quotes) for slug, quotes in said.items()} == {
            "voronkov": 2,
            "gonzalez-laya": 3,
            "bachelet": 1,
            "adeoye": 1,
            "johansson": 0,
            "regner": 0,
            "kessels": 1,
            "hadzi-miceva-evans": 1,
        }
        assert said["adeoye"] == [
            "There is need to adopt an integrated, coordinated, multifaceted and long-term approach, one which "
            "addresses human rights, as well as the root causes of terrorism and violent extremism in our domain."
        ]
        assert said["bachelet"] == [
            "My perspective is clear. I am convinced that responses to terrorism should be grounded in human rights "
            "and the rule of law, because this is the right thing to do, and because ultimately, it is the most "
            "effective approach. The lesson of the last two decades is that crackdowns, oppression and militarized "
            "responses not only don't work, they are counterproductive. Effective counter-terrorism strategies must be "
            "based on laws, uphold human rights and ensure that people are held accountable for any violation of human "
            "rights."
        ]

    def test_holds_the_press_release_in_paragraphs(self) -> None:
        take_in(SAMPLE)
        release = event("dialogue-2021").press_release
        paragraphs = release["text"]["en"].split("\n\n")
        assert (release["dateline"], len(paragraphs)) == ({"en": "New York, 26 May 2021"}, 7)
        assert paragraphs[2] == (
            "Terrorist groups continue to commit the most egregious human rights abuses, propagate hatred and incite "
            "violence. At the same time, if Member States violate human rights in the name of counter-terrorism, they "
            "can play straight into the narratives and recruitment tactics of terrorists."
        )

    def test_says_that_it_is_one_and_mails_only_to_its_own_domain(self) -> None:
        take_in(SAMPLE)
        dialogue = event("dialogue-2021")
        assert dialogue.sample
        assert dialogue.organizer_address == "dialogue@example.org"
        assert set(re.findall(r"[\w.]+@[\w.]+\w", SAMPLE)) == {
            "dialogue@example.org",
            "gerardl@un.org",
            "yuli.yang@un.org",
        }

    def test_asks_each_category_its_own_questions(self) -> None:
        take_in(SAMPLE)
        asked = {
            category.slug: (category.entry.value, [(one.name, one.kind.value) for one in category.questions])
            for category in event("dialogue-2021").categories
        }
        assert list(asked) == [
            "member-states",
            "un-entities",
            "human-rights",
            "women-led",
            "youth",
            "civil-society",
            "victims-survivors",
            "experts",
            "other",
        ]
        assert asked["member-states"] == ("reviewed", [("country", "country"), ("organization", "text")])
        assert asked["youth"] == ("open", [("country", "country")])
        assert asked["civil-society"] == (
            "open",
            [("organization", "text"), ("country", "country"), ("ecosoc_status", "one_choice"), ("site", "site")],
        )

    def test_what_people_need_to_decide_and_to_register_stands_in_the_six_languages(self) -> None:
        take_in(SAMPLE)
        dialogue = event("dialogue-2021")
        questions = [question for category in dialogue.categories for question in category.questions]
        texts = [dialogue.title, dialogue.summary, dialogue.audience, dialogue.place, dialogue.privacy_notice]
        texts += [text for session in dialogue.sessions for text in (session.title, session.theme)]
        texts += [text for category in dialogue.categories for text in (category.label, category.description)]
        texts += [question.label for question in questions]
        texts += [choice["label"] for question in questions for choice in question.choices]
        texts += [question.help for question in questions if question.help]
        assert {frozenset(text) for text in texts} == {frozenset({"ar", "en", "es", "fr", "ru", "zh"})}
        assert {text.count("\n\n") for text in dialogue.privacy_notice.values()} == {3}

    def test_what_was_said_and_published_stays_in_its_own_language(self) -> None:
        take_in(SAMPLE)
        dialogue = event("dialogue-2021")
        texts = [dialogue.background, dialogue.press_release["text"]]
        texts += [
            quote for day in dialogue.sessions for part in day.items for one in part.speakers for quote in one.quotes
        ]
        assert {frozenset(text) for text in texts} == {frozenset({"en"})}

    def test_a_second_import_touches_nothing(self) -> None:
        take_in(SAMPLE)
        codes = {one.slug: one.code for one in event("dialogue-2021").sessions}
        assert take_in(SAMPLE, LATER) == Outcome.UNCHANGED
        dialogue = event("dialogue-2021")
        assert (dialogue.version, dialogue.updated_at) == (1, NOW)
        assert {one.slug: one.code for one in dialogue.sessions} == codes


class TestMoved:
    def test_the_first_session_keeps_its_hour_and_the_others_their_distance(self) -> None:
        assert take_in(SAMPLE, as_slug="dialogue-next", shift_to=date(2027, 5, 25)) == Outcome.CREATED
        assert [(one.starts_wall, one.starts_at) for one in event("dialogue-next").sessions] == [
            (wall(2027, 5, 25, 10), at(2027, 5, 25, 14)),
            (wall(2027, 5, 26, 9), at(2027, 5, 26, 13)),
        ]

    def test_wall_times_are_kept_where_the_clocks_have_changed(self) -> None:
        take_in(SAMPLE, as_slug="winter", shift_to="2027-01-12")
        assert [one.starts_at for one in event("winter").sessions] == [at(2027, 1, 12, 15), at(2027, 1, 13, 14)]

    def test_an_hour_moves_every_session(self) -> None:
        take_in(SAMPLE, as_slug="evening", shift_to="2027-05-25T18:30")
        assert [(one.starts_at, one.ends_at) for one in event("evening").sessions] == [
            (at(2027, 5, 25, 22, 30), at(2027, 5, 26, 1, 45)),
            (at(2027, 5, 26, 21, 30), at(2027, 5, 27, 1)),
        ]

    def test_keeps_programme_and_speakers_but_nothing_that_has_not_happened_yet(self) -> None:
        take_in(SAMPLE, as_slug="dialogue-next", shift_to="2027-05-25")
        copy = event("dialogue-next")
        speakers = [one for day in copy.sessions for part in day.items for one in part.speakers]
        assert len(speakers) == 12
        assert [one.quotes for one in speakers] == [[]] * 12
        assert (copy.press_release, copy.outlook) == ({}, [])
        assert [one.kind for day in copy.sessions for one in day.streams] == ["live", "live"]

    @pytest.mark.parametrize(
        ("shift_to", "opens"),
        [
            ("2027-05-25", at(2026, 3, 1, 17)),
            ("2027-01-12", at(2025, 11, 1, 16)),
            ("2027-02-28", at(2025, 12, 1, 17)),
            ("2027-03-31", at(2026, 1, 1, 17)),
        ],
    )
    def test_takes_sign_ups_from_the_first_of_the_month_fourteen_months_before(
        self, shift_to: str, opens: datetime
    ) -> None:
        take_in(SAMPLE, as_slug="dialogue-next", shift_to=shift_to)
        assert event("dialogue-next").registration_opens == opens

    def test_takes_sign_ups_from_before_that_where_the_file_does(self) -> None:
        early = SMALL.replace("opens: 2027-04-01 09:00", "opens: 2025-01-01 09:00")
        take_in(early, shift_to="2028-05-04")
        assert event().registration_opens == at(2026, 1, 2, 14)

    def test_takes_sign_ups_as_long_before_its_end_as_the_file_says(self) -> None:
        take_in(SAMPLE, as_slug="dialogue-next", shift_to="2027-05-25")
        assert event("dialogue-next").registration_closes == at(2027, 5, 26, 16, 30)

    def test_a_second_import_on_another_day_touches_nothing(self) -> None:
        take_in(SAMPLE, as_slug="dialogue-next", shift_to="2027-05-25")
        assert take_in(SAMPLE, LATER, as_slug="dialogue-next", shift_to="2027-05-25") == Outcome.UNCHANGED
        assert take_in(SAMPLE, LATER, as_slug="dialogue-next", shift_to="2027-05-25T10:00") == Outcome.UNCHANGED

    def test_to_where_it_was_nothing_is_dropped(self) -> None:
        take_in(SAMPLE)
        assert take_in(SAMPLE, shift_to="2021-05-25") == Outcome.UNCHANGED

    def test_into_the_missing_hour_is_refused_at_the_session_it_falls_on(self) -> None:
        assert faults_of(SMALL, shift_to="2027-03-14T02:30") == [
            f"line {line_of('starts: 2027-05-04', SMALL)}, sessions[0].starts: 2027-03-14 02:30 does not exist in "
            "America/New_York, where the clocks go forward then; choose 2027-03-14 01:59 or earlier, or "
            "2027-03-14 03:00 or later."
        ]

    @pytest.mark.parametrize(
        "wrong", ["", "soon", "2027-02-30", "2027-5-4", "2027-05-04T25:00", "1899-01-01", "9999-12-31"]
    )
    def test_to_what_is_no_day_is_refused(self, wrong: str) -> None:
        with pytest.raises(Refusal) as caught:
            take_in(SMALL, shift_to=wrong)
        assert not isinstance(caught.value, EventFileFaults)

    @pytest.mark.parametrize("wrong", ["", "Small", "a b", "a--b", "-a", "ä", "a\n", "x" * 81])
    def test_under_what_is_no_slug_is_refused(self, wrong: str) -> None:
        with pytest.raises(Refusal, match="A slug has small letters"):
            take_in(SMALL, as_slug=wrong)
