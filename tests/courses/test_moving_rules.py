"""Moving clients, what they attend, and how long it may last, as pure rules."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import add_months
from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import CourseState, DecisionState, DeliveryMode, PeriodKind, PinState
from services.courses import pins
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.domain import Period
from services.courses.moving import domain
from services.courses.moving.domain import DurationLimit, Stay
from tests.courses.test_course_rules import a_course
from tests.courses.test_pin_rules import AT, a_decision

ON = date(2024, 2, 1)
NINE_MONTHS = DurationLimit(9, enforced=True)
KINDS = (PeriodKind.OPENING, PeriodKind.MIDDLE, PeriodKind.CLOSING)
FIRST_DAYS = (date(2024, 3, 4), date(2024, 5, 6), date(2024, 8, 5))
LATER_DAYS = (date(2024, 3, 11), date(2024, 6, 3), date(2024, 9, 2))


def three_periods(first_days=FIRST_DAYS, days=5) -> tuple[Period, ...]:
    return tuple(
        Period(index + 1, KINDS[index], DeliveryMode.FACE_TO_FACE, first, first + timedelta(days=days - 1))
        for index, first in enumerate(first_days)
    )


def course_of(first_days=FIRST_DAYS, **differences):
    return a_course(periods=three_periods(first_days), **differences)


def here_and_there(**of_there):
    """A client on a running course, and another course with the same three periods, later."""
    here = course_of(course_id="here", state=CourseState.CONFIRMED)
    here, pin = pins.pin(here, a_decision(), AT, ON)
    there = course_of(LATER_DAYS, course_id="there", course_number=1002, **of_there)
    return here, there, a_decision(pinned_to="here", pinned_to_number=1001, pin_version=1), pin


def moved(here, there, decision, pin, on=ON, limit=NINE_MONTHS):
    stays = [Stay(here.periods, pin.attended)] if pin.attended else []
    return domain.move(here, there, decision, pin, stays, limit, AT, on)


def refused(code, act, *args, **named) -> dict[str, object]:
    with pytest.raises(Refusal) as caught:
        act(*args, **named)
    assert caught.value.code == code
    return caught.value.values


def test_nobody_is_moved_without_consent():
    """R-CRS-28, E-58: the client's or the guardian's, given today or before."""
    assert refused("CONSENT_MISSING", domain.require_consent, None, ON) == {"change": "course"}
    early = Consent("decision-1", ON + timedelta(days=1), GivenBy.GUARDIAN, Channel.LETTER)
    assert refused("CONSENT_IN_FUTURE", domain.require_consent, early, ON) == {
        "given_on": ON + timedelta(days=1),
        "today": ON,
    }
    assert domain.require_consent(replace(early, given_on=ON), ON).given_by is GivenBy.GUARDIAN


def test_a_move_before_the_start_gives_the_old_place_back():
    """R-CRS-27, E-26: one place here less, one there more, the pin's versions counted on by two."""
    change = moved(*here_and_there())
    assert (change.here.pinned, change.here.occupied) == (0, 0)
    assert (change.there.pinned, change.there.occupied) == (1, 1)
    assert (change.left.version, change.left.state, change.left.moved_to) == (2, PinState.MOVED, "there")
    assert (change.left.occupies_place, change.left.reason) == (False, None)
    assert (change.arrived.version, change.arrived.state, change.arrived.moved_from) == (3, PinState.ACTIVE, "here")
    assert (change.arrived.planned, change.warnings) == (None, ())


def test_after_the_start_attended_periods_stay_and_the_old_place_is_not_given_again():
    """E-20, P10, acceptance example 11: after period 1 of 3 the remaining two are planned on the new course."""
    here, there, decision, pin = here_and_there()
    change = moved(here, there, decision, replace(pin, attended=(1,)), on=date(2024, 3, 20))
    assert (change.here.pinned, change.here.occupied, change.left.occupies_place) == (0, 1, True)
    assert (change.left.attended, change.arrived.attended) == ((1,), ())
    assert change.arrived.planned == (2, 3)


def test_a_missed_period_is_taken_on_the_new_course():
    """E-20: what remains is what was not attended."""
    here, _, decision, pin = here_and_there()
    later = course_of((date(2024, 4, 1), date(2024, 6, 3), date(2024, 9, 2)), course_id="there")
    change = moved(here, later, decision, replace(pin, missed=(1,)), on=date(2024, 3, 20))
    assert (change.arrived.planned, change.left.missed) == (None, (1,))


def test_what_was_attended_must_be_known_before_a_move():
    """E-20: nothing is guessed about a period that has begun."""
    here, there, decision, pin = here_and_there()
    values = refused("PARTICIPATION_NOT_NOTED", moved, here, there, decision, pin, on=FIRST_DAYS[0])
    assert values == {"course_number": 1001, "periods": [1]}
    noted = replace(pin, attended=(1,))
    values = refused("PARTICIPATION_NOT_NOTED", moved, here, there, decision, noted, on=FIRST_DAYS[1])
    assert values["periods"] == [2]


def test_the_remaining_periods_come_after_the_attended_ones():
    """E-20."""
    here, _, decision, pin = here_and_there()
    pin = replace(pin, attended=(1,))
    overlapping = course_of((date(2024, 3, 1), date(2024, 3, 8), date(2024, 9, 2)), course_id="there")
    values = refused("PERIODS_NOT_AFTER", moved, here, overlapping, decision, pin, on=date(2024, 3, 8))
    assert values == {"number": 2, "first_day": date(2024, 3, 8), "attended_until": date(2024, 3, 8)}
    next_day = course_of((date(2024, 3, 1), date(2024, 3, 9), date(2024, 9, 2)), course_id="there")
    assert moved(here, next_day, decision, pin, on=date(2024, 3, 8)).arrived.planned == (2, 3)


def test_nobody_is_moved_to_a_period_that_is_over():
    """E-20: the last day of a period is not yet over; before the first attendance all periods count."""
    here, there, decision, pin = here_and_there()
    pin = replace(pin, attended=(1,))
    last = there.periods[1].last_day
    assert moved(here, there, decision, replace(pin, missed=(2,)), on=last).arrived.planned == (2, 3)
    values = refused(
        "PERIODS_PASSED", moved, here, there, decision, replace(pin, missed=(2,)), on=last + timedelta(days=1)
    )
    assert values == {"course_number": 1002, "periods": [2]}
    earlier = course_of((date(2024, 1, 1), date(2024, 5, 6), date(2024, 8, 5)), course_id="there")
    assert refused("PERIODS_PASSED", moved, *here_and_there()[:1], earlier, decision, replace(pin, attended=()))[
        "periods"
    ] == [1]


def test_only_a_course_with_the_same_periods_can_be_continued_on():
    """E-20."""
    here, there, decision, pin = here_and_there()
    two = replace(there, periods=there.periods[:2])
    values = refused("PERIODS_DO_NOT_MATCH", moved, here, two, decision, replace(pin, attended=(1,)), on=FIRST_DAYS[0])
    assert values == {"periods_before": 3, "periods_there": 2}
    assert moved(here, two, decision, pin).arrived.planned is None


def test_who_has_attended_everything_goes_nowhere():
    """E-20."""
    here, there, decision, pin = here_and_there()
    everything = replace(pin, attended=(1, 2, 3))
    values = refused("NOTHING_REMAINS", moved, here, there, decision, everything, on=FIRST_DAYS[2])
    assert values == {"attended": [1, 2, 3]}


def test_a_full_course_takes_nobody_in():
    """E-22, E-26, R-CRS-14."""
    here, there, decision, pin = here_and_there(pinned=10, occupied=12)
    assert refused("COURSE_FULL", moved, here, there, decision, pin) == {"group_size": 12}


@pytest.mark.parametrize(
    ("of_there", "of_decision", "code"),
    [
        ({"state": CourseState.CREATED}, {}, "NOT_PUBLISHED"),
        ({"state": CourseState.DELETED}, {}, "COURSE_GONE"),
        ({"service": "CARDIAC_ADULT"}, {}, "OTHER_SERVICE"),
        ({"provider_id": "1572860-0"}, {}, "OTHER_PROVIDER"),
        ({}, {"state": DecisionState.REVOKED}, "DECISION_REVOKED"),
        ({}, {"state": DecisionState.EXPIRED}, "DECISION_NOT_GRANTED"),
    ],
)
def test_a_client_moves_within_a_provider_and_a_service_and_with_a_valid_decision(of_there, of_decision, code):
    """R-CRS-27, E-19."""
    here, there, decision, pin = here_and_there(**of_there)
    refused(code, moved, here, there, replace(decision, **of_decision), pin)


def test_leaving_a_course_that_has_had_to_be_run_needs_a_reason():
    """E-33: also when it need not be run any more."""
    course = a_course(pinned=5, occupied=5, must_run_since=ON)
    values = refused("MUST_RUN_REASON_REQUIRED", domain.require_reason, course, None)
    assert values == {"course_number": 1001, "must_run_since": ON}
    domain.require_reason(course, "moved to another town")
    domain.require_reason(a_course(), None)


@pytest.mark.parametrize(
    ("last_first_day", "fits"), [(date(2024, 11, 30), True), (date(2024, 12, 1), False), (date(2024, 12, 20), False)]
)
def test_the_whole_path_lasts_nine_months_from_the_first_day_attended(last_first_day, fits):
    """E-12, R-CRS-31: 4 March and nine months is 4 December, that day still allowed."""
    here, _, decision, pin = here_and_there()
    there = course_of((date(2024, 4, 1), date(2024, 6, 3), last_first_day), course_id="there")
    pin = replace(pin, attended=(1,))
    if fits:
        assert moved(here, there, decision, pin, on=FIRST_DAYS[0]).warnings == ()
        return
    assert refused("PATH_TOO_LONG", moved, here, there, decision, pin, on=FIRST_DAYS[0]) == {
        "months": 9,
        "first_day": date(2024, 3, 4),
        "latest": date(2024, 12, 4),
        "last_day": last_first_day + timedelta(days=4),
    }


@pytest.mark.parametrize(
    ("limit", "warnings"),
    [
        (DurationLimit(None, enforced=False), ("TOTAL_DURATION_UNKNOWN",)),
        (DurationLimit(9, enforced=False), ("TOTAL_DURATION_EXCEEDED",)),
        (DurationLimit(10, enforced=True), ()),
    ],
)
def test_a_duration_that_is_not_known_or_not_enforced_only_warns(limit, warnings):
    """E-12."""
    here, _, decision, pin = here_and_there()
    there = course_of((date(2024, 4, 1), date(2024, 6, 3), date(2024, 12, 20)), course_id="there")
    change = moved(here, there, decision, replace(pin, attended=(1,)), on=FIRST_DAYS[0], limit=limit)
    assert change.warnings == warnings


@given(
    months=st.integers(1, 15),
    start=st.dates(date(2023, 1, 1), date(2026, 12, 31)),
    gaps=st.lists(st.tuples(st.integers(-10, 200), st.integers(1, 120), st.integers(1, 120)), min_size=1, max_size=4),
    attendance=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=4, max_size=4),
)
def test_no_chain_of_moves_outlasts_the_total_duration(months, start, gaps, attendance):
    """R-CRS-31, E-12, E-20: over any number of moves, measured by another calendar than the rule's own."""
    limit, stays, first_of_next = DurationLimit(months, enforced=True), [], start
    for (gap, to_second, to_third), taken in zip(gaps, attendance, strict=False):
        first = first_of_next + timedelta(days=gap)
        days = (first, first + timedelta(days=4 + to_second), first + timedelta(days=8 + to_second + to_third))
        course = course_of(days)
        try:
            path = domain.go_on(course, stays, limit, on=date(2023, 1, 1))
        except Refusal:
            continue
        before = [period for stay in stays for period in stay.attended_periods]
        planned = [p for p in course.periods if path.planned is None or p.number in path.planned]
        assert {p.number for p in before} | {p.number for p in planned} == {1, 2, 3}
        assert len(before) + len(planned) == 3
        if before:
            assert max(p.last_day for p in before) < planned[0].first_day
            assert planned[-1].last_day <= add_months(min(p.first_day for p in before), months)
        attended = tuple(p.number for p in planned[:-1] if taken[p.number - 1])
        if attended:
            stays.append(Stay(course.periods, attended))
        first_of_next = course.last_day


def test_attended_and_missed_periods_are_noted_once_they_have_begun():
    """E-20."""
    course = course_of(state=CourseState.RUNNING)
    pin = replace(pins.pin(course, a_decision(), AT, ON)[1], planned=(2, 3))
    on = course.periods[1].first_day
    noted = domain.note_participation(course, pin, [2], [], on)
    assert (noted.attended, noted.missed, noted.version) == ((2,), (), 2)
    assert domain.note_participation(course, noted, [2], [], on) is noted
    assert domain.note_participation(course, noted, [], [2], on).missed == (2,)
    assert refused("PERIOD_NOT_BEGUN", domain.note_participation, course, pin, [3], [], on) == {"number": 3}
    assert refused("PERIOD_NOT_PLANNED", domain.note_participation, course, pin, [1], [], on) == {"planned": [2, 3]}
    with pytest.raises(Invalid, match="PERIOD_NOTED_TWICE"):
        domain.note_participation(course, pin, [2], [2], on)
    unconfirmed = replace(course, state=CourseState.PUBLISHED)
    refused("PERIOD_NOT_BEGUN", domain.note_participation, unconfirmed, pin, [2], [], on)


def test_an_interrupted_rehabilitation_keeps_its_place_and_what_was_attended():
    """E-57, R-DEC-7: only after the start; before it the client is unpinned."""
    course, pin = pins.pin(course_of(state=CourseState.CONFIRMED), a_decision(), AT, ON)
    values = refused("COURSE_NOT_BEGUN", domain.interrupt, course, pin, AT, ON)
    assert values == {"course_number": 1001, "first_day": FIRST_DAYS[0]}
    on = FIRST_DAYS[0]
    refused("PARTICIPATION_NOT_NOTED", domain.interrupt, course, pin, AT, on)
    after, ended = domain.interrupt(course, replace(pin, attended=(1,)), AT, on)
    assert (after.pinned, after.occupied) == (0, 1)
    assert (ended.state, ended.occupies_place, ended.attended) == (PinState.INTERRUPTED, True, (1,))


@pytest.mark.parametrize(
    ("noted", "pinned_on", "attended"),
    [
        ({}, ON, (1, 2, 3)),
        ({"attended": (1,)}, ON, (1, 2, 3)),
        ({"missed": (2,)}, ON, (1, 3)),
        ({"planned": (2, 3)}, ON, (2, 3)),
        ({}, date(2024, 3, 9), (2, 3)),
        ({"attended": (1,)}, date(2024, 3, 9), (1, 2, 3)),
    ],
)
def test_at_the_end_a_planned_period_nobody_spoke_of_was_attended(noted, pinned_on, attended):
    """E-20: not one that was missed, not planned, or over before the client came."""
    course = course_of()
    pin = replace(pins.pin(course, a_decision(), AT, ON)[1], **noted)
    assert domain.attended_at_the_end(course, pin, pinned_on) == attended


def test_only_a_client_without_a_place_cannot_be_placed():
    """R-CRS-16."""
    with pytest.raises(NotFound, match="DECISION_UNKNOWN"):
        domain.require_without_place(None)
    refused("DECISION_REVOKED", domain.require_without_place, a_decision(state=DecisionState.REVOKED))
    refused("DECISION_NOT_GRANTED", domain.require_without_place, a_decision(state=DecisionState.EXPIRED))
    refused("ALREADY_PINNED", domain.require_without_place, a_decision(pinned_to="here", pinned_to_number=1001))
    assert domain.require_without_place(a_decision()).valid
