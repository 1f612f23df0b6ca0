"""Group size, target groups, ages and contact details of a course that exists, as pure rules."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Refusal
from contracts.values import CourseState
from services.courses.changing import domain
from services.courses.consents import Channel, Consent, GivenBy, require_given
from services.courses.copies import described
from services.courses.domain import Contact, PlaceLedger, Terms
from tests.courses.builders import a_description
from tests.courses.test_course_rules import a_course, refused

UNCONFIRMED = (CourseState.CREATED, CourseState.PUBLISHED)
CONFIRMED = (CourseState.CONFIRMED, CourseState.RUNNING)
OVER = (CourseState.COMPLETED, CourseState.DELETED, CourseState.CANCELLED)
RARE = described(a_description())
CARDIAC = described(a_description(min_age=18, max_age=None))
CONTACT = Contact("kurssit@sydankunto.fi", "+358171234567")


@given(st.sampled_from((*UNCONFIRMED, *CONFIRMED)), st.integers(6, 12), st.integers(1, 15), st.integers(0, 12))
def test_a_group_grows_to_the_maximum_and_shrinks_before_the_confirmation(state, size, wanted, pinned):
    """R-CRS-15, R-CRS-24, E-41: never below the pinned clients and the smallest group, never above the largest."""
    pinned = min(pinned, size)
    course = a_course(state=state, group_size=size, pinned=pinned, occupied=pinned)
    least = max(pinned, 6) if state in UNCONFIRMED else size
    if least <= wanted <= 12:
        resized = domain.resize(course, wanted)
        assert (resized.group_size, resized.version) == (wanted, 3 if wanted == size else 4)
    else:
        with pytest.raises(Refusal):
            domain.resize(course, wanted)


def test_a_group_size_out_of_range_is_refused_with_the_range():
    """R-CRS-15, acceptance example 3: 13 is refused, the maximum is 12."""
    values = refused("GROUP_SIZE_OUT_OF_RANGE", domain.resize, a_course(), 13)
    assert values == {"group_size": 13, "group_min": 6, "group_max": 12}


def test_shrinking_is_refused_with_the_figures():
    """E-41."""
    pinned = a_course(pinned=8, occupied=8)
    assert refused("SHRINK_BELOW_PINNED", domain.resize, pinned, 7) == {"pinned": 8, "requested": 7}
    confirmed = replace(pinned, state=CourseState.CONFIRMED)
    values = refused("SHRINK_AFTER_CONFIRMATION", domain.resize, confirmed, 11)
    assert values == {"group_size": 12, "requested": 11}


def test_an_unknown_range_lets_a_group_grow_as_far_as_the_count():
    """Domain section 4: unknown parameters are not guessed."""
    assert domain.resize(a_course(terms=Terms(1, None, None, None, None)), 40).group_size == 40


@pytest.mark.parametrize("state", OVER)
def test_nothing_is_changed_once_a_course_is_over(state):
    """R-CRS-15, E-38: growing is for courses that are not over."""
    course = a_course(state=state)
    refused("COURSE_GONE", domain.resize, course, 12)
    refused("COURSE_GONE", domain.retarget, course, RARE, ("group_b",))
    refused("COURSE_GONE", domain.show_contact, course, CONTACT)
    refused("COURSE_GONE", domain.mix_ages, course, CARDIAC, PlaceLedger("contract-1", 2024, 12, 12))


@pytest.mark.parametrize("state", UNCONFIRMED)
def test_target_groups_change_until_the_confirmation(state):
    """R-CRS-16: the fitting disease group is added to an existing course; 1 to 3 of the description's."""
    course = a_course(state=state)
    added = domain.retarget(course, RARE, ("group_a", "group_c"))
    assert (added.target_groups, added.version) == (("group_a", "group_c"), 4)
    assert domain.retarget(course, RARE, ("group_a",)) is course
    refused("TARGET_GROUPS_COUNT", domain.retarget, course, RARE, ())
    refused("TARGET_GROUP_UNKNOWN", domain.retarget, course, RARE, ("group_d",))


@pytest.mark.parametrize("state", CONFIRMED)
def test_confirming_freezes_the_target_group(state):
    """R-CRS-17."""
    course = a_course(state=state, confirmed_on=date(2024, 3, 1))
    values = refused("TARGET_GROUP_FROZEN", domain.retarget, course, RARE, ("group_a", "group_b"))
    assert values == {"course_number": 1001, "confirmed_on": date(2024, 3, 1)}


@given(st.integers(0, 40), st.integers(0, 40))
def test_only_the_last_course_of_a_year_mixes_ages(announced, reserved):
    """R-CRS-49, E-47: fewer places are left after it than the smallest group has."""
    ledger = PlaceLedger("contract-1", 2024, announced, reserved)
    course = a_course(age_group="under_68", min_age=18, max_age=67)
    if announced - reserved < 6:
        mixed = domain.mix_ages(course, CARDIAC, ledger)
        assert (mixed.mixed_age, mixed.age_group, mixed.min_age, mixed.max_age) == (True, None, 18, None)
        assert domain.mix_ages(mixed, CARDIAC, ledger) is mixed
    else:
        values = refused("MIXED_AGE_NOT_LAST", domain.mix_ages, course, CARDIAC, ledger)
        assert values == {"year": 2024, "free": announced - reserved, "group_min": 6}


def test_ages_are_mixed_before_the_confirmation_and_where_there_are_age_groups():
    """R-CRS-17, R-CRS-49."""
    full = PlaceLedger("contract-1", 2024, 12, 12)
    refused("NO_AGE_GROUP", domain.mix_ages, a_course(), CARDIAC, full)
    confirmed = a_course(age_group="under_68", state=CourseState.CONFIRMED)
    refused("TARGET_GROUP_FROZEN", domain.mix_ages, confirmed, CARDIAC, full)


def test_contact_details_are_the_courses_own_until_they_are_linked_again():
    """R-REG-10, E-43."""
    own = domain.show_contact(a_course(), CONTACT)
    assert (own.contact, own.version) == (CONTACT, 4)
    assert domain.show_contact(own, CONTACT) is own
    linked = domain.show_contact(own, None)
    assert (linked.contact, linked.version) == (None, 5)
    assert domain.show_contact(linked, None) is linked


def test_nobody_has_agreed_tomorrow():
    """R-CRS-34."""
    today, tomorrow = date(2024, 2, 29), date(2024, 3, 1)
    consents = tuple(Consent("D-1", day, GivenBy.GUARDIAN, Channel.PHONE) for day in (today, tomorrow))
    require_given(consents[:1], today)
    with pytest.raises(Refusal) as caught:
        require_given(consents, today)
    assert (caught.value.code, caught.value.values) == ("CONSENT_IN_FUTURE", {"given_on": tomorrow, "today": today})
