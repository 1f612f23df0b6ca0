"""Ending courses, confirming them late and warning in time, as pure rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import NotFound, Refusal
from contracts.values import CourseState, ReportKind
from services.courses.domain import Course, Terms
from services.courses.ending import domain
from services.courses.ending.domain import Ending, EndingKind
from tests.courses.test_course_rules import EVE, FIRST, LAST, a_course, refused

AT = datetime(2024, 2, 1, 10, tzinfo=UTC)
RARE = Terms(1, 6, 12, 6, 7, move_notice_days=30)
ON_TIME, LATE = date(2024, 3, 1), date(2024, 3, 2)
BEFORE_CONFIRMATION = (CourseState.CREATED, CourseState.PUBLISHED)


def starting(first: date, **differences) -> Course:
    period = a_course().periods[0]
    moved = replace(period, first_day=first, last_day=first + timedelta(days=4))
    return a_course(**{"periods": (moved,), "terms": RARE, "year": first.year, **differences})


def delete(course: Course, on: date = ON_TIME, reason: str | None = None) -> Ending:
    return domain.delete(course, (), (), on, reason)


@pytest.mark.parametrize(
    ("start", "last_on_time"),
    [
        (date(2024, 3, 30), date(2024, 2, 29)),
        (date(2025, 3, 31), date(2025, 3, 1)),
        (date(2026, 1, 10), date(2025, 12, 11)),
    ],
)
def test_the_last_day_on_time_is_thirty_calendar_days_before_the_start(start, last_on_time):
    """E-14, R-CRS-35: over a leap day, a clock change and a year's end; the day itself is on time."""
    course = starting(start)
    assert course.notice_by == last_on_time
    assert not domain.is_late(course, last_on_time)
    assert domain.is_late(course, last_on_time + timedelta(days=1))


@given(st.dates(date(2000, 3, 1), date(2100, 1, 1)), st.integers(0, 60), st.integers(0, 400))
def test_late_is_less_than_the_notice_before_the_start(start, notice, before):
    """E-14: whole local days, whatever the calendar does in between."""
    course = starting(start, terms=replace(RARE, move_notice_days=notice))
    assert domain.is_late(course, start - timedelta(days=before)) is (before < notice)


def test_an_unknown_notice_is_never_late():
    """Domain section 4: unknown is no bound."""
    course = starting(FIRST, terms=Terms(1, 6, 12, 6, 7))
    assert course.notice_by is None
    assert not domain.is_late(course, EVE)
    assert delete(course, on=EVE).reports == ()
    assert domain.underfilled(course, EVE) == domain.Underfilled(0, 6, None, late=False)


def test_acceptance_example_5_five_pins_are_warned_of_from_day_one_and_late_from_the_second_of_march():
    """Acceptance example 5, R-CRS-35: start 31.3.2025 with 5 pins; last on-time deletion 1.3.2025."""
    course = starting(date(2025, 3, 31), pinned=5, occupied=5)
    last = date(2025, 3, 1)
    day_one = domain.underfilled(course, date(2024, 11, 1))
    assert day_one == domain.Underfilled(pinned=5, needed=6, notice_by=last, late=False)
    assert domain.underfilled(course, last) == day_one
    assert domain.underfilled(course, date(2025, 3, 2)) == replace(day_one, late=True)
    assert domain.underfilled(course, date(2025, 3, 31)) is None
    assert domain.underfilled(replace(course, pinned=6), last) is None
    assert domain.underfilled(replace(course, state=CourseState.CONFIRMED), last) is None


def test_a_deletion_on_time_needs_no_reason_and_is_nobodys_news():
    """E-15."""
    ending = delete(starting(FIRST))
    assert (ending.kind, ending.late, ending.reports) == (EndingKind.DELETED, False, ())


def test_a_late_deletion_needs_a_reason_and_is_reported():
    """E-15: still allowed, as blocking it makes zombies."""
    values = refused("REASON_REQUIRED", delete, starting(FIRST), LATE)
    assert values == {"notice_by": ON_TIME, "must_run_since": None}
    ending = delete(starting(FIRST), LATE, "too few clients")
    assert (ending.late, ending.reports) == (True, (ReportKind.LATE_DELETION,))


def test_deleting_what_was_once_to_be_carried_out_needs_a_reason_and_is_reported():
    """E-33: seven had been reached, now five are pinned."""
    course = starting(FIRST, must_run_since=date(2024, 2, 1), pinned=5, occupied=5)
    everybody = [f"D-{n}" for n in range(5)]
    with pytest.raises(Refusal, match="REASON_REQUIRED"):
        domain.delete(course, everybody, everybody, ON_TIME, None)
    ending = domain.delete(course, everybody, everybody, ON_TIME, "two decisions were revoked")
    assert ending.reports == (ReportKind.MUST_RUN_COURSE_DELETED,)
    both = domain.delete(course, everybody, everybody, LATE, "two decisions were revoked")
    assert both.reports == (ReportKind.LATE_DELETION, ReportKind.MUST_RUN_COURSE_DELETED)


@pytest.mark.parametrize("state", list(CourseState))
def test_only_what_is_not_committed_to_can_be_deleted(state):
    """Domain section 7, E-34, E-36."""
    course = starting(FIRST, state=state)
    if state in BEFORE_CONFIRMATION:
        assert delete(course).kind is EndingKind.DELETED
    elif state in (CourseState.CONFIRMED, CourseState.RUNNING):
        assert refused("CONFIRMED", delete, course) == {"course_number": 1001}
    else:
        refused("COURSE_GONE", delete, course)


def test_acceptance_example_3_with_seven_pinned_deleting_is_refused():
    """Acceptance example 3, E-34: six can be deleted with a full plan, seven cannot."""
    seven = starting(FIRST, pinned=7, occupied=7)
    refs = [f"D-{n}" for n in range(7)]
    with pytest.raises(Refusal) as caught:
        domain.delete(seven, refs, refs, ON_TIME, "no staff")
    assert (caught.value.code, caught.value.values) == ("MUST_RUN", {"pinned": 7, "must_run_at": 7})
    six = starting(FIRST, pinned=6, occupied=6)
    assert domain.delete(six, refs[:6], refs[:6], ON_TIME, None).kind is EndingKind.DELETED


def test_the_plan_takes_everybody_and_nobody_else():
    """E-38: zero active pins or a full transfer plan."""
    course = starting(FIRST, pinned=2, occupied=2)
    with pytest.raises(Refusal) as caught:
        domain.delete(course, ("D-1", "D-2"), ("D-2",), ON_TIME, None)
    assert (caught.value.code, caught.value.values) == (
        "TRANSFERS_MISSING",
        {"pinned": 2, "planned": 1, "missing": ["D-1"]},
    )
    with pytest.raises(NotFound, match="NOT_PINNED"):
        domain.delete(course, ("D-1", "D-2"), ("D-1", "D-2", "D-3"), ON_TIME, None)


def test_a_published_course_past_its_start_is_settled_not_deleted():
    """Domain section 7: stale_unconfirmed goes on by confirm_retroactively or did_not_happen only."""
    assert refused("COURSE_STARTED", delete, starting(FIRST), FIRST, "forgotten") == {"first_day": FIRST}
    never_published = starting(FIRST, state=CourseState.CREATED)
    assert delete(never_published, FIRST, "forgotten").late


def test_a_deleted_course_holds_no_places_and_nobody():
    """R-CRS-37."""
    ending = Ending(EndingKind.DID_NOT_HAPPEN, late=True, must_run_since=None, reason="ill")
    over = domain.ended(starting(FIRST, pinned=3, occupied=3, version=8), ending, LAST)
    assert (over.state, over.pinned, over.occupied, over.holds_places, over.version) == (
        CourseState.DELETED,
        0,
        0,
        False,
        9,
    )


@pytest.mark.parametrize(("on", "begun"), [(EVE, False), (FIRST, True)])
def test_a_cancelled_course_keeps_its_places_only_if_it_had_begun(on, begun):
    """E-34 with R-CRS-2: the count is of places on courses that are carried out; E-21 for the pins'."""
    confirmed = starting(FIRST, state=CourseState.CONFIRMED, confirmed_on=ON_TIME, pinned=6, occupied=6)
    ending = domain.cancel(confirmed, "fire")
    assert (ending.reports, ending.late) == ((), False)
    over = domain.ended(confirmed, ending, on)
    assert (over.state, over.pinned, over.occupied) == (CourseState.CANCELLED, 0, 6 if begun else 0)
    assert over.holds_places is begun


@pytest.mark.parametrize("state", list(CourseState))
def test_only_what_is_committed_to_can_be_cancelled(state):
    """E-34."""
    course = starting(FIRST, state=state)
    if state in (CourseState.CONFIRMED, CourseState.RUNNING):
        assert domain.cancel(course, "fire").kind is EndingKind.CANCELLED
    else:
        refused("NOT_CONFIRMED" if state in BEFORE_CONFIRMATION else "COURSE_GONE", domain.cancel, course, "fire")


def confirm_late(course: Course, at_start: int, on: date = FIRST, reason: str | None = None, *, official: bool = False):
    return domain.confirm_retroactively(course, at_start, on, reason, official=official)


def test_with_six_at_the_start_the_provider_confirms_afterwards():
    """E-40, R-CRS-41: whoever left since does not matter."""
    late = confirm_late(starting(FIRST, pinned=4, occupied=4), 6)
    assert (late.state, late.late_confirmed, late.confirmed_on) == (CourseState.RUNNING, True, FIRST)


def test_with_fewer_only_an_official_confirms_afterwards_and_says_why():
    """E-40, R-CRS-43."""
    course = starting(FIRST, pinned=9, occupied=9)
    assert refused("LATE_CONFIRM_TOO_FEW", confirm_late, course, 5, reason="it took place") == {
        "pinned_at_start": 5,
        "needed": 6,
    }
    refused("REASON_REQUIRED", confirm_late, course, 5, official=True)
    assert confirm_late(course, 5, reason="attendance lists seen", official=True).late_confirmed


def test_only_a_past_published_course_is_confirmed_afterwards():
    """E-40."""
    assert refused("COURSE_NOT_STARTED", confirm_late, starting(FIRST), 6, EVE) == {"first_day": FIRST}
    refused("NOT_PUBLISHED", confirm_late, starting(FIRST, state=CourseState.CREATED), 6)
    refused("ALREADY_CONFIRMED", confirm_late, starting(FIRST, state=CourseState.CONFIRMED), 6)
    refused("COURSE_GONE", confirm_late, starting(FIRST, state=CourseState.DELETED), 6)


def test_seven_clients_whose_course_did_not_happen_need_an_official():
    """E-34, E-40."""
    course = starting(FIRST, pinned=7, occupied=7)
    refused("MUST_RUN", domain.did_not_happen, course, 0, FIRST, "ill", official=False)
    left_since = starting(FIRST, pinned=6, occupied=6)
    values = refused("MUST_RUN", domain.did_not_happen, left_since, 7, FIRST, "ill", official=False)
    assert values == {"pinned": 7, "must_run_at": 7}
    ending = domain.did_not_happen(course, 7, FIRST, "ill", official=True)
    assert ending.reports == (ReportKind.LATE_DELETION,)
    assert domain.did_not_happen(starting(FIRST, pinned=6), 6, FIRST, "ill", official=False).late


def test_a_course_that_did_not_happen_is_past_published_and_unconfirmed():
    """R-CRS-42."""
    not_yet = starting(FIRST)
    refused("COURSE_NOT_STARTED", domain.did_not_happen, not_yet, 0, EVE, None, official=True)
    refused("REASON_REQUIRED", domain.did_not_happen, not_yet, 0, FIRST, None, official=True)
    for state, code in ((CourseState.CREATED, "NOT_PUBLISHED"), (CourseState.RUNNING, "CONFIRMED")):
        refused(code, domain.did_not_happen, starting(FIRST, state=state), 0, FIRST, None, official=True)
    unknown = starting(FIRST, terms=Terms(1, 6, 12, 6, 7))
    assert domain.did_not_happen(unknown, 6, FIRST, None, official=False).reports == ()
