"""Moving a course's dates, as pure rules."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import add_months, helsinki_date, start_of_day
from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind, ReportKind
from services.courses.changing import dates
from services.courses.changing.dates import PinnedClient
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.copies import described
from services.courses.creation import ProposedPeriod
from services.courses.domain import Contract, Period
from tests.courses.builders import PROVIDER, SERVICE_CODE, a_description
from tests.courses.test_course_rules import a_course, refused
from tests.courses.test_creation_rules import THREE_WEEKS

FACE, ONLINE, REMOTE = DeliveryMode.FACE_TO_FACE, DeliveryMode.ONLINE, DeliveryMode.REMOTE
TODAY = date(2024, 2, 1)
STARTS = (date(2024, 3, 4), date(2024, 4, 8), date(2024, 5, 6), date(2024, 6, 3))
RARE = described(a_description())
CONTRACT = Contract("contract-1", 1, PROVIDER, SERVICE_CODE, Language.FI, date(2023, 1, 1), None)
STATES = st.sampled_from([CourseState.CREATED, CourseState.PUBLISHED, CourseState.CONFIRMED, CourseState.RUNNING])
DAYS = st.dates(date(2024, 1, 1), date(2100, 12, 31))


def four_weeks(*moved: int, by: int = 1, modes=(FACE, ONLINE, FACE, REMOTE)) -> tuple[ProposedPeriod, ...]:
    """Four weeks; those whose numbers are named begin `by` days later."""
    return tuple(
        ProposedPeriod(first := start + timedelta(days=by * (number in moved)), first + timedelta(days=4), mode)
        for number, (start, mode) in enumerate(zip(STARTS, modes, strict=True), start=1)
    )


def four_week_course(state=CourseState.PUBLISHED, **differences):
    kinds = (PeriodKind.OPENING, PeriodKind.MIDDLE, PeriodKind.MIDDLE, PeriodKind.CLOSING)
    periods = tuple(
        Period(number, kind, period.mode, period.first_day, period.last_day)
        for number, (kind, period) in enumerate(zip(kinds, four_weeks(), strict=True), start=1)
        if period.mode
    )
    return a_course(state=state, periods=periods, **differences)


def with_notice(days, course):
    return replace(course, terms=replace(course.terms, move_notice_days=days))


def reschedule(course, proposed, on=TODAY, description=RARE, contract=CONTRACT):
    return dates.reschedule(course, description, contract, proposed, on)


@pytest.mark.parametrize("state", [CourseState.CREATED, CourseState.PUBLISHED])
def test_before_the_confirmation_every_period_may_move(state):
    """R-CRS-32, E-35."""
    moved = reschedule(four_week_course(state), four_weeks(1, 2, 3, 4))
    assert [period.first_day.day for period in moved.periods] == [5, 9, 7, 4]
    assert (moved.version, moved.year, len(dates.frozen_periods(moved, date(2030, 1, 1)))) == (4, 2024, 0)


@pytest.mark.parametrize(("number", "frozen"), [(1, True), (2, True), (3, False), (4, False)])
def test_after_the_confirmation_the_first_face_to_face_and_the_online_period_stay(number, frozen):
    """R-CRS-17, E-35: of face to face, online, face to face, remote the first two are committed to."""
    confirmed = four_week_course(CourseState.CONFIRMED)
    if frozen:
        assert refused("PERIOD_FROZEN", reschedule, confirmed, four_weeks(number)) == {"periods": [number]}
    else:
        assert reschedule(confirmed, four_weeks(number)).periods[number - 1].first_day > STARTS[number - 1]


def test_a_period_that_has_begun_stays_once_the_course_is_confirmed():
    """E-35: from its first day on."""
    running = four_week_course(CourseState.RUNNING)
    on = STARTS[2]
    assert refused("PERIOD_FROZEN", reschedule, running, four_weeks(3), on=on) == {"periods": [3]}
    assert reschedule(running, four_weeks(3), on=on - timedelta(days=1)).periods[2].first_day == date(2024, 5, 7)
    assert reschedule(running, four_weeks(4), on=on).periods[3].first_day == date(2024, 6, 4)


def test_a_confirmed_course_keeps_the_number_and_the_modes_of_its_periods():
    """R-CRS-17, E-35: later periods may move, nothing else."""
    confirmed = four_week_course(CourseState.CONFIRMED)
    refused("PERIOD_PLAN_MISMATCH", reschedule, confirmed, four_weeks()[:3])
    other = four_weeks(4, modes=(FACE, ONLINE, FACE, ONLINE))
    assert refused("PERIOD_MODE_PLANNED", reschedule, confirmed, other) == {"number": 4, "mode": REMOTE}
    assert len(reschedule(four_week_course(), four_weeks()[:3]).periods) == 3


def test_no_period_moves_into_the_past():
    """R-CRS-32: only what stays where it was may lie behind."""
    never_published = four_week_course(CourseState.CREATED)
    on = date(2024, 4, 20)
    values = refused("PERIODS_IN_PAST", reschedule, never_published, four_weeks(2), on=on)
    assert values == {"first_day": date(2024, 4, 9), "today": on}
    refused("PERIODS_IN_PAST", reschedule, never_published, four_weeks(1, by=-1), on=on)
    assert reschedule(never_published, four_weeks(3), on=on).first_day == STARTS[0]


def test_a_course_that_may_have_taken_place_is_not_moved():
    """R-CRS-39, E-40: past its start and not confirmed, it has to be said first whether it took place."""
    published = four_week_course()
    assert refused("COURSE_STARTED", reschedule, published, four_weeks(4), on=STARTS[0]) == {"first_day": STARTS[0]}
    assert reschedule(published, four_weeks(), on=STARTS[0]) is published
    assert reschedule(published, four_weeks(4), on=STARTS[0] - timedelta(days=1)).version == 4


def test_moved_dates_follow_the_plan_and_the_contract():
    """R-CRS-32: the rules are those of the creation."""
    planned = described(a_description(periods=THREE_WEEKS))
    weeks = tuple(ProposedPeriod(start, start + timedelta(days=4)) for start in STARTS[:3])
    course = reschedule(four_week_course(), weeks, description=planned)
    assert [period.mode for period in course.periods] == [FACE, FACE, FACE]
    longer = (*weeks[:2], ProposedPeriod(STARTS[2], STARTS[2] + timedelta(days=5)))
    refused("PERIOD_LENGTH", reschedule, course, longer, description=planned)
    ended = replace(CONTRACT, valid_to=STARTS[0])
    refused("CONTRACT_NOT_VALID", reschedule, four_week_course(), four_weeks(1), contract=ended)
    assert reschedule(four_week_course(), four_weeks(4), contract=ended).version == 4
    with pytest.raises(Invalid):
        reschedule(four_week_course(), four_weeks(1, by=40))


def test_the_total_duration_holds_for_moved_dates_too():
    """E-12, R-CRS-31, E-37: nine months from 4.3.2024 end on 4.12.2024."""
    late = replace(four_weeks()[3], first_day=date(2024, 12, 1), last_day=date(2024, 12, 5))
    proposed = (*four_weeks()[:3], late)
    values = refused("TOTAL_DURATION_EXCEEDED", reschedule, four_week_course(CourseState.CONFIRMED), proposed)
    assert values == {"months": 9, "latest": date(2024, 12, 4), "last_day": date(2024, 12, 5)}
    lenient = described(a_description(total_duration_enforced=False))
    assert reschedule(four_week_course(), proposed, description=lenient).last_day == date(2024, 12, 5)


@given(STATES, st.lists(DAYS, min_size=4, max_size=4), DAYS)
def test_whatever_is_asked_a_moved_course_has_exactly_those_dates_and_keeps_what_is_frozen(state, firsts, on):
    """R-CRS-17, E-1, E-18, E-35: the year is the first day's; nothing is shifted that was not asked for."""
    course = four_week_course(state)
    proposed = tuple(
        ProposedPeriod(first, first, period.mode) for first, period in zip(sorted(firsts), course.periods, strict=True)
    )
    try:
        moved = reschedule(course, proposed, on=on)
    except Refusal:
        return
    assert [(period.first_day, period.mode) for period in moved.periods] == [
        (period.first_day, period.mode) for period in proposed
    ]
    assert moved.year == proposed[0].first_day.year
    assert moved.last_day <= add_months(moved.first_day, 9)
    for number in dates.frozen_periods(course, on):
        assert moved.periods[number - 1] == course.periods[number - 1]


@given(STATES, st.sets(st.integers(1, 4)), st.integers(1, 20), st.dates(date(2024, 1, 1), date(2024, 7, 1)))
def test_only_what_has_not_begun_and_is_not_committed_to_moves(state, moved, days, on):
    """R-CRS-17, E-35: whichever periods are asked for, on whichever day."""
    course = four_week_course(state)
    behind = {number for number in moved if STARTS[number - 1] + timedelta(days=days) < on}
    allowed = not behind and not moved & dates.frozen_periods(course, on)
    allowed = allowed and not (moved and course.stale_unconfirmed(on))
    try:
        after = reschedule(course, four_weeks(*moved, by=days), on=on)
    except Refusal:
        assert not allowed
    else:
        assert allowed
        assert {p.number for p, q in zip(after.periods, course.periods, strict=True) if p != q} == moved


def test_a_course_on_29_february_gets_new_dates_by_hand():
    """E-18: the same day of the next year does not exist, and nobody chooses another one for the provider."""
    leap = (ProposedPeriod(date(2024, 2, 29), date(2024, 2, 29), FACE),)
    course = reschedule(four_week_course(), leap)
    assert (course.year, course.first_day) == (2024, date(2024, 2, 29))
    with pytest.raises(ValueError, match="day"):
        course.first_day.replace(year=2025)
    moved = reschedule(course, (ProposedPeriod(date(2025, 2, 28), date(2025, 2, 28), FACE),))
    assert (moved.year, moved.first_day) == (2025, date(2025, 2, 28))


@pytest.mark.parametrize(
    ("first_day", "last_on_time"),
    [
        (date(2024, 3, 30), date(2024, 2, 29)),
        (date(2025, 3, 31), date(2025, 3, 1)),
        (date(2026, 1, 10), date(2025, 12, 11)),
    ],
)
def test_thirty_days_before_the_start_are_still_on_time(first_day, last_on_time):
    """E-14, acceptance example 5: calendar days, across the change of the clocks and of the year."""
    period = Period(1, PeriodKind.OPENING, FACE, first_day, first_day)
    course = with_notice(30, a_course(periods=(period,), pinned=5, occupied=5))
    assert course.notice_by == last_on_time
    assert not dates.is_late(course, last_on_time)
    assert dates.is_late(course, last_on_time + timedelta(days=1))


@given(DAYS, st.integers(0, 60))
def test_a_day_is_on_time_until_midnight_in_helsinki(first_day, notice):
    """E-14, E-16: local dates, never 24 hours times thirty."""
    course = with_notice(notice, a_course(periods=(Period(1, PeriodKind.OPENING, FACE, first_day, first_day),)))
    midnight = start_of_day(first_day - timedelta(days=notice - 1))
    assert not dates.is_late(course, helsinki_date(midnight - timedelta(seconds=1)))
    assert dates.is_late(course, helsinki_date(midnight))


def test_only_a_course_with_too_few_clients_that_is_not_confirmed_moves_late():
    """R-CRS-35, E-15."""
    last = four_week_course().first_day
    few, enough = {"pinned": 5, "occupied": 5}, {"pinned": 6, "occupied": 6}
    assert dates.is_late(with_notice(30, four_week_course(**few)), last)
    assert not dates.is_late(with_notice(30, four_week_course(**enough)), last)
    assert not dates.is_late(with_notice(30, four_week_course(CourseState.CONFIRMED, **few)), last)
    assert not dates.is_late(with_notice(None, four_week_course(**few)), last)


def test_kela_is_told_of_late_moves_and_of_courses_that_had_to_run():
    """E-15, E-33."""
    plain, duty = four_week_course(), four_week_course(must_run_since=TODAY)
    assert dates.what_to_report(plain, late=False) == ()
    assert dates.what_to_report(plain, late=True) == (ReportKind.LATE_MOVE,)
    assert dates.what_to_report(duty, late=False) == (ReportKind.MUST_RUN_COURSE_MOVED,)
    assert dates.what_to_report(duty, late=True) == (ReportKind.LATE_MOVE, ReportKind.MUST_RUN_COURSE_MOVED)


def consent(decision_ref, given_on=TODAY, given_by=GivenBy.CLIENT):
    return Consent(decision_ref, given_on, given_by, Channel.PHONE)


def test_every_pinned_client_agrees_or_the_guardian_does():
    """R-CRS-34, E-35, E-58: who has not agreed is named; consents of others are not kept."""
    pinned = [PinnedClient(ref, None) for ref in ("D-1", "D-2", "D-3")]
    given = (consent("D-2", given_by=GivenBy.GUARDIAN), consent("D-9"))
    with pytest.raises(Refusal) as caught:
        dates.require_consents(pinned, given, TODAY)
    assert (caught.value.code, caught.value.values) == (
        "CONSENT_MISSING",
        {"change": "dates", "decision_refs": ["D-1", "D-3"]},
    )
    kept = dates.require_consents(pinned, (*given, consent("D-3"), consent("D-1")), TODAY)
    assert [agreed.decision_ref for agreed in kept] == ["D-1", "D-2", "D-3"]
    assert dates.require_consents([], (), TODAY) == ()


@given(STATES, DAYS, st.lists(st.none() | DAYS, max_size=6))
def test_an_unconfirmed_course_does_not_move_past_a_clients_deadline(state, first_day, deadlines):
    """R-CRS-19, E-37: those whose deadline would break are listed; earlier never breaks anything."""
    before = four_week_course(state)
    after = replace(before, periods=(replace(before.periods[0], first_day=first_day),))
    pinned = [PinnedClient(f"D-{n}", deadline) for n, deadline in enumerate(deadlines)]
    unconfirmed = state in (CourseState.CREATED, CourseState.PUBLISHED)
    breaking = [
        client.decision_ref
        for client in pinned
        if unconfirmed and first_day > before.first_day and client.confirm_by and client.confirm_by < first_day
    ]
    if breaking:
        values = refused("DEADLINE_BREAKS", dates.require_deadlines, before, after, pinned)
        assert (values["first_day"], values["decision_refs"]) == (first_day, breaking)
    else:
        dates.require_deadlines(before, after, pinned)
