"""Texts are complete in the three languages, and dates and numbers are written as people write them."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from chassis.texts import LANGUAGES
from contracts.envelope import EventKind
from contracts.values import CourseState, DecisionState, DeliveryMode, PeriodKind, PersonalDataClass
from services.gateway import wording as wording_module
from services.gateway.browser import _KINDS
from services.gateway.search_form import Problem
from services.gateway.statistics_pages import _OF_SERVICE
from services.gateway.wording import UnknownText, wording
from services.notifications.domain import CLIENT_TEMPLATES

ROOT = Path(wording_module.__file__).parent


def texts(language):
    source = (ROOT / "texts" / f"{language}.ftl").read_text()
    messages = re.split(r"^(?=[a-zA-Z][\w-]* =)", source, flags=re.MULTILINE)[1:]
    return {m.split(" =")[0]: frozenset(re.findall(r"\$(\w+)", m)) for m in messages}


def test_the_three_languages_have_the_same_texts_with_the_same_variables():
    assert texts("fi") == texts("sv") == texts("en")


def test_every_text_is_used():
    used = "".join(path.read_text() for path in [*(ROOT / "templates").iterdir(), *ROOT.glob("*.py")])
    built = ("age", "how-", "mode-", "kind-", "state-", "role-", "reason-", "sms-", "survey-", "provider-done-")
    built += (
        "language-",
        "service-language-",
        "problem",
        "sign-in-",
        "course-unknown-",
        "error-",
        "kept-form-",
        "sessions-done-",
    )
    built += ("events-promise-", "events-data-", "events-kind-", *(f"statistics-{name}" for name in _OF_SERVICE))
    refusals = {"unknown-service", "unknown-path", "upstream-unavailable", "csrf-refused", "too-many-requests"}
    unused = {text for text in texts("fi") if text not in used and not text.startswith(built)} - refusals
    assert unused == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_contracts_name_has_a_word(language):
    t = wording(language)
    wanted = [
        *(f"state-{state}" for state in CourseState),
        *(f"mode-{mode}" for mode in DeliveryMode),
        *(f"kind-{kind}" for kind in PeriodKind),
        *(f"events-kind-{kind}" for kind in EventKind),
        *(f"events-data-{kind}" for kind in PersonalDataClass),
        *(f"sms-{template}" for template in CLIENT_TEMPLATES),
        *Problem,
        *(f"statistics-{name}" for name in _OF_SERVICE),
        *_KINDS.values(),
        *(f"{kind}-title" for kind in _KINDS.values()),
    ]
    assert [text for text in wanted if not t.has(text)] == []


def test_reasons_a_client_cannot_be_pinned_have_words():
    named = {"revoked", "annulled", "expired", "used"}
    assert named <= {str(state) for state in DecisionState}
    assert all(wording("fi").has(f"reason-{reason}") for reason in named | {"pinned_on_own_course", "other_service"})


def test_a_text_nobody_wrote_is_an_error():
    with pytest.raises(UnknownText):
        wording("fi")("no-such-text")


@pytest.mark.parametrize(
    ("language", "first", "last", "written"),
    [
        ("fi", "2025-04-07", "2025-04-11", "7.–11.4.2025"),
        ("fi", "2025-04-28", "2025-05-02", "28.4.–2.5.2025"),
        ("fi", "2025-12-29", "2026-01-02", "29.12.2025–2.1.2026"),
        ("fi", "2025-04-07", "2025-04-07", "7.4.2025"),
        ("sv", "2025-04-07", "2025-04-11", "7–11.4.2025"),
        ("sv", "2025-04-28", "2025-05-02", "28.4–2.5.2025"),
        ("en", "2025-04-07", "2025-04-11", "7–11 April 2025"),
        ("en", "2025-04-28", "2025-05-02", "28 April–2 May 2025"),
    ],
)
def test_days_are_written_once(language, first, last, written):
    assert wording(language).days(date.fromisoformat(first), last) == written


def test_instants_are_shown_in_helsinki():
    instant = datetime(2024, 12, 31, 22, 30, tzinfo=UTC)
    assert wording("fi").moment(instant) == "1.1.2025 0.30"
    assert wording("en").moment("2024-12-31T22:30:00Z") == "1 January 2025, 00:30"


def test_scores_are_rounded_half_up_and_written_with_a_comma():
    assert [wording("fi").score(score) for score in ("4.55", 4.6, "3")] == ["4,6", "4,6", "3,0"]
    assert wording("en").score("4.25") == "4.3"


def test_large_numbers_have_their_thousands_apart():
    assert wording("fi").number(21707) == "21\xa0707"
