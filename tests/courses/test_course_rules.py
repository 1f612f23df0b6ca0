"""Ledgers, publishing, confirming, beginning and completing, as pure rules."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Refusal
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind
from services.courses import domain
from services.courses.domain import Contract, Course, Period, PlaceLedger, Terms

FIRST, LAST = date(2024, 3, 31), date(2024, 4, 4)
EVE = FIRST - timedelta(days=1)
CONTRACT = Contract("contract-1", 1, "2828286-3", "RARE", Language.FI, date(2023, 1, 1), None)


def a_course(**differences) -> Course:
    facts: dict[str, Any] = {
        "course_id": "course-1",
        "course_number": 1001,
        "version": 3,
        "contract_id": "contract-1",
        "provider_id": "2828286-3",
        "office_id": "office-1",
        "service": "RARE",
        "language": Language.FI,
        "state": CourseState.PUBLISHED,
        "year": 2024,
        "periods": (Period(1, PeriodKind.OPENING, DeliveryMode.FACE_TO_FACE, FIRST, LAST),),
        "group_size": 12,
        "target_groups": ("group_a",),
        "age_group": None,
        "min_age": None,
        "max_age": None,
        "terms": Terms(1, 6, 12, 6, 7),
    }
    return Course(**(facts | differences))


def refused(code: str, act, *args, **named) -> dict[str, object]:
    with pytest.raises(Refusal) as caught:
        act(*args, **named)
    assert caught.value.code == code
    return caught.value.values


def test_places_beyond_the_announced_count_are_refused_with_the_figures():
    """R-CRS-2, acceptance example 1: 24 announced, 12 + 12 reserved, 6 more do not fit."""
    full = PlaceLedger("contract-1", 2026, announced=24, reserved=24)
    values = refused("PLACE_LEDGER_FULL", domain.reserve, full, 6)
    assert values == {"year": 2026, "announced": 24, "reserved": 24, "free": 0, "requested": 6}


@given(
    st.lists(
        st.one_of(st.tuples(st.just("raise"), st.integers(0, 30)), st.tuples(st.just("reserve"), st.integers(1, 15)))
    )
)
def test_reserved_places_never_exceed_the_announced_count(steps):
    """R-CRS-2, E-1: whatever is raised and created in whatever order; a refusal happens only when it does not fit."""
    ledger = PlaceLedger("contract-1", 2024, announced=0, reserved=0)
    courses = 0
    for step, size in steps:
        if step == "raise":
            ledger = replace(ledger, announced=ledger.announced + size)
            continue
        try:
            ledger = domain.reserve(ledger, size)
        except Refusal:
            assert courses + size > ledger.announced
        else:
            courses += size
        assert courses == ledger.reserved <= ledger.announced
        assert ledger.free == ledger.announced - courses


def test_an_overdrawn_ledger_has_nothing_free_and_takes_nothing_away():
    """E-3."""
    overdrawn = PlaceLedger("contract-1", 2024, announced=6, reserved=12)
    assert overdrawn.free == 0
    refused("PLACE_LEDGER_FULL", domain.reserve, overdrawn, 1)


def test_publishing_happens_once():
    """R-CRS-8, R-CRS-9."""
    published = domain.publish(a_course(state=CourseState.CREATED), CONTRACT, EVE)
    assert (published.state, published.version) == (CourseState.PUBLISHED, 4)
    for state in (CourseState.PUBLISHED, CourseState.CONFIRMED, CourseState.RUNNING):
        refused("ALREADY_PUBLISHED", domain.publish, a_course(state=state), CONTRACT, EVE)


def test_publishing_needs_a_contract_in_force_and_a_first_day_ahead():
    """E-45."""
    created = a_course(state=CourseState.CREATED)
    refused("CONTRACT_NOT_VALID", domain.publish, created, replace(CONTRACT, valid_to=EVE - timedelta(days=1)), EVE)
    refused("COURSE_STARTED", domain.publish, created, CONTRACT, FIRST)


@pytest.mark.parametrize("state", [CourseState.COMPLETED, CourseState.DELETED, CourseState.CANCELLED])
def test_nothing_is_done_with_a_course_that_is_over(state):
    """E-38."""
    assert refused("COURSE_GONE", domain.publish, a_course(state=state), CONTRACT, EVE)["state"] is state
    refused("COURSE_GONE", domain.confirm, a_course(state=state, pinned=6, occupied=6), EVE)


@given(st.integers(0, 12))
def test_six_may_confirm_and_seven_must_run(pinned):
    """R-CRS-22, R-CRS-23, E-32, acceptance example 3."""
    course = a_course(pinned=pinned, occupied=pinned)
    assert (course.may_confirm, course.must_run) == (pinned >= 6, pinned >= 7)
    if pinned >= 6:
        confirmed = domain.confirm(course, EVE)
        assert (confirmed.state, confirmed.confirmed_on, confirmed.version) == (CourseState.CONFIRMED, EVE, 4)
    else:
        assert refused("CONFIRM_TOO_FEW", domain.confirm, course, EVE) == {"pinned": pinned, "needed": 6}


@pytest.mark.parametrize(("terms", "needed"), [(Terms(1, 8, 12, None, None), 8), (Terms(1, None, None, None, None), 1)])
def test_an_unknown_minimum_is_the_smallest_group_and_nothing_must_run(terms, needed):
    """E-32."""
    assert terms.confirm_at == needed
    course = a_course(terms=terms, pinned=needed, occupied=needed)
    assert (course.may_confirm, course.must_run) == (True, False)


def test_confirming_needs_a_published_course_and_happens_once():
    """R-CRS-17, R-CRS-26."""
    enough = {"pinned": 6, "occupied": 6}
    refused("NOT_PUBLISHED", domain.confirm, a_course(state=CourseState.CREATED, **enough), EVE)
    refused("ALREADY_CONFIRMED", domain.confirm, a_course(state=CourseState.CONFIRMED, **enough), EVE)
    refused("ALREADY_CONFIRMED", domain.confirm, a_course(state=CourseState.RUNNING, **enough), EVE)
    refused("COURSE_STARTED", domain.confirm, a_course(**enough), FIRST)


def test_a_published_course_past_its_start_is_stale():
    """R-CRS-39."""
    assert not a_course().stale_unconfirmed(EVE)
    assert a_course().stale_unconfirmed(FIRST)
    assert not a_course(state=CourseState.CONFIRMED).stale_unconfirmed(FIRST)


def test_a_confirmed_course_begins_on_its_first_day_and_is_completed_after_its_last():
    confirmed = a_course(state=CourseState.CONFIRMED, pinned=6, occupied=7)
    assert domain.begin(confirmed, EVE) is None
    running = domain.begin(confirmed, FIRST)
    assert running is not None
    assert running.state is CourseState.RUNNING
    assert domain.begin(running, FIRST) is None
    assert domain.complete(running, LAST) is None
    completed = domain.complete(running, LAST + timedelta(days=1))
    assert completed is not None
    assert (completed.state, completed.pinned, completed.occupied) == (CourseState.COMPLETED, 0, 7)
    assert domain.complete(completed, LAST + timedelta(days=1)) is None
    assert domain.begin(a_course(), FIRST) is None


@pytest.mark.parametrize(
    ("state", "on", "begun"),
    [
        (CourseState.PUBLISHED, FIRST, False),
        (CourseState.CONFIRMED, EVE, False),
        (CourseState.CONFIRMED, FIRST, True),
        (CourseState.RUNNING, LAST, True),
    ],
)
def test_a_course_has_begun_by_its_date_even_before_its_timer_fires(state, on, begun):
    assert a_course(state=state).begun(on) is begun
