"""Who may have a place, as pure rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import NotFound, Refusal
from contracts.values import CourseState, DecisionState, PinState, ReleaseReason
from services.courses import pins
from services.courses.pins import Decision
from tests.courses.test_course_rules import EVE, FIRST, a_course

AT = datetime(2024, 2, 1, 10, tzinfo=UTC)
ON = date(2024, 2, 1)


def a_decision(**differences) -> Decision:
    facts: dict[str, Any] = {
        "decision_ref": "D-1",
        "version": 1,
        "provider_id": "2828286-3",
        "service": "RARE",
        "state": DecisionState.GRANTED,
    }
    return Decision(**(facts | differences))


def refused(code, course, decision) -> dict[str, object]:
    with pytest.raises(Refusal) as caught:
        pins.pin(course, decision, AT, ON)
    assert caught.value.code == code
    return caught.value.values


def test_a_pin_takes_a_place_and_counts_the_decisions_version_on():
    """R-CRS-10, R-CRS-11: the version goes over all courses of the decision."""
    course, pin = pins.pin(a_course(), a_decision(pin_version=4), AT, ON)
    assert (course.pinned, course.occupied, course.free_places, course.version) == (1, 1, 11, 4)
    assert (pin.version, pin.state, pin.occupies_place, pin.pinned_at) == (5, PinState.ACTIVE, True, AT)


def test_only_a_granted_decision_gives_a_place():
    """E-19."""
    refused("DECISION_UNKNOWN", a_course(), None)
    for state in (DecisionState.REVOKED, DecisionState.ANNULLED):
        refused("DECISION_REVOKED", a_course(), a_decision(state=state))
    for state in (DecisionState.PENDING, DecisionState.AWAITING_QUOTA, DecisionState.REJECTED, DecisionState.EXPIRED):
        assert refused("DECISION_NOT_GRANTED", a_course(), a_decision(state=state)) == {"state": state}


def test_the_decision_is_for_this_provider_and_service():
    """R-CRS-10; another provider's course is never named (E-23)."""
    elsewhere = a_decision(provider_id="1572860-0", pinned_to="their course", pinned_to_number=1002)
    assert refused("OTHER_PROVIDER", a_course(), elsewhere) == {}
    refused("OTHER_SERVICE", a_course(), a_decision(service="CARDIAC_ADULT"))


def test_a_client_pinned_elsewhere_stays_there():
    """E-23: where is told, to the same provider."""
    values = refused("ALREADY_PINNED", a_course(), a_decision(pinned_to="course-2", pinned_to_number=1002))
    assert values == {"course_id": "course-2", "course_number": 1002}


def test_a_full_course_takes_nobody():
    """R-CRS-14, acceptance example 3: 12 on size 12, the 13th is refused."""
    assert refused("COURSE_FULL", a_course(pinned=12, occupied=12), a_decision()) == {"group_size": 12}
    refused("COURSE_FULL", a_course(pinned=10, occupied=12, state=CourseState.RUNNING), a_decision())


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (CourseState.CREATED, "NOT_PUBLISHED"),
        (CourseState.DELETED, "COURSE_GONE"),
        (CourseState.CANCELLED, "COURSE_GONE"),
        (CourseState.COMPLETED, "COURSE_GONE"),
    ],
)
def test_a_course_that_cannot_be_found_takes_nobody(state, code):
    """R-CRS-6, E-38."""
    refused(code, a_course(state=state), a_decision())


@pytest.mark.parametrize("state", [CourseState.PUBLISHED, CourseState.CONFIRMED, CourseState.RUNNING])
def test_clients_are_taken_also_after_the_confirmation(state):
    """R-CRS-24."""
    assert pins.pin(a_course(state=state), a_decision(), AT, ON)[0].pinned == 1


def test_the_day_a_course_became_must_run_is_remembered():
    """E-33, acceptance example 10: seven pins, one goes, the duty goes with it but its day is kept."""
    course, pin = pins.pin(a_course(pinned=6, occupied=6), a_decision(), AT, ON)
    assert (course.must_run, course.must_run_since) == (True, ON)
    fewer, _ = pins.release(course, pin, ReleaseReason.DECISION_REVOKED, AT, ON)
    assert (fewer.must_run, fewer.must_run_since) == (False, ON)
    again, _ = pins.pin(fewer, a_decision(), AT, ON + timedelta(days=3))
    assert (again.must_run, again.must_run_since) == (True, ON)


@pytest.mark.parametrize(
    ("state", "on", "keeps"),
    [
        (CourseState.PUBLISHED, FIRST, False),
        (CourseState.CONFIRMED, EVE, False),
        (CourseState.CONFIRMED, FIRST, True),
        (CourseState.RUNNING, FIRST, True),
    ],
)
def test_an_ended_pin_keeps_its_place_once_the_course_has_begun(state, on, keeps):
    """E-20, E-21, domain section 7."""
    course, pin = pins.pin(a_course(), a_decision(), AT, ON)
    course = replace(course, state=state)
    after, released = pins.release(course, pin, ReleaseReason.PROVIDER, AT, on)
    assert (after.pinned, after.occupied) == (0, 1 if keeps else 0)
    assert (released.state, released.reason, released.occupies_place) == (PinState.RELEASED, "provider", keeps)
    assert (released.version, released.ended_at) == (2, AT)


@given(st.lists(st.booleans(), max_size=40))
def test_the_counters_follow_the_pins(steps):
    """R-CRS-14: never more than the group size, never less than nothing."""
    course, active = a_course(group_size=6), []
    for number, coming in enumerate(steps):
        if coming and course.free_places:
            course, pin = pins.pin(course, a_decision(decision_ref=f"D-{number}"), AT, ON)
            active.append(pin)
        elif not coming and active:
            course, _ = pins.release(course, active.pop(), ReleaseReason.PROVIDER, AT, ON)
        assert course.pinned == course.occupied == len(active) <= 6


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (a_decision(), None),
        (a_decision(state=DecisionState.REVOKED), "revoked"),
        (a_decision(state=DecisionState.ANNULLED), "annulled"),
        (a_decision(state=DecisionState.EXPIRED), "expired"),
        (a_decision(pinned_to="course-1"), "pinned_here"),
        (a_decision(pinned_to="course-2"), "pinned_on_own_course"),
        (a_decision(service="CARDIAC_ADULT"), "other_service"),
    ],
)
def test_the_list_says_why_a_client_cannot_be_pinned(decision, reason):
    """E-25, R-CRS-45."""
    assert pins.why_not_pinnable(decision, a_course()) == reason


def test_who_is_not_pinned_here_cannot_be_unpinned():
    for decision in (None, a_decision(), a_decision(pinned_to="course-2")):
        with pytest.raises(NotFound, match="NOT_PINNED"):
            pins.require_pinned_here(a_course(), decision)


def test_an_annulled_decision_is_told_from_a_revoked_one():
    assert pins.release_reason(a_decision(state=DecisionState.ANNULLED)) is ReleaseReason.DECISION_ANNULLED
    assert pins.release_reason(a_decision(state=DecisionState.REVOKED)) is ReleaseReason.DECISION_REVOKED
    changed = a_decision(state=DecisionState.REVOKED, provider_changed=True)
    assert pins.release_reason(changed) is ReleaseReason.PROVIDER_CHANGED
