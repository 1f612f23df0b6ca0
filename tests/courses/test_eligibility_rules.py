"""Whether a client's disease group and age fit a course, as pure rules."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Refusal
from services.courses.eligibility import domain
from services.courses.eligibility.domain import Client
from tests.courses.test_course_rules import FIRST, a_course

UNDER_68 = a_course(min_age=18, max_age=67)


@pytest.mark.parametrize(
    ("client", "unfit", "unknown"),
    [
        (Client(), None, ("DISEASE_GROUP_UNKNOWN", "AGE_UNKNOWN")),
        (Client(disease_group="group_a"), None, ("AGE_UNKNOWN",)),
        (Client(disease_group="group_b"), "target_group_mismatch", ("AGE_UNKNOWN",)),
        (Client("group_a", birth_date=date(1956, 4, 1)), None, ()),
        (Client("group_a", birth_date=date(1956, 3, 31)), "age_mismatch", ("AGE_UNKNOWN",)),
        (Client("group_a", birth_date=date(2006, 3, 31)), None, ()),
        (Client("group_a", birth_date=date(2006, 4, 1)), "age_mismatch", ("AGE_UNKNOWN",)),
        (Client("group_a", birth_year=1957), None, ()),
        (Client("group_a", birth_year=1956), None, ("AGE_UNKNOWN",)),
        (Client("group_a", birth_year=1955), "age_mismatch", ("AGE_UNKNOWN",)),
    ],
)
def test_known_and_different_is_refused_and_unknown_is_warned_of(client, unfit, unknown):
    """E-24: the age is that of the first period's first day, 31 March 2024."""
    assert date(2024, 3, 31) == FIRST
    assert domain.why_unfit(UNDER_68, client) == unfit
    assert domain.unknowns(UNDER_68, client) == unknown


def test_a_refusal_names_what_the_course_allows_and_nothing_of_the_client():
    """E-24."""
    with pytest.raises(Refusal) as group:
        domain.require_fit(UNDER_68, Client("group_b", birth_date=date(1940, 1, 1)))
    assert (group.value.code, group.value.values) == ("TARGET_GROUP_MISMATCH", {"allowed": ("group_a",)})
    with pytest.raises(Refusal) as age:
        domain.require_fit(UNDER_68, Client("group_a", birth_date=date(1940, 1, 1)))
    assert (age.value.code, age.value.values) == ("AGE_MISMATCH", {"min_age": 18, "max_age": 67, "on": FIRST})


def test_a_course_that_asks_for_nothing_takes_everybody():
    """E-24."""
    open_to_all = a_course(target_groups=())
    for client in (Client(), Client("group_b", birth_date=date(1920, 1, 1))):
        assert domain.require_fit(open_to_all, client) == ()


@pytest.mark.parametrize(
    ("on", "age"),
    [(date(2023, 2, 28), 22), (date(2023, 3, 1), 23), (date(2024, 2, 28), 23), (date(2024, 2, 29), 24)],
)
def test_who_was_born_on_29_february_is_a_year_older_on_1_march_in_common_years(on, age):
    """E-18."""
    assert Client(birth_date=date(2000, 2, 29)).ages(on) == (age, age)


@given(st.dates(date(1920, 1, 1), date(2020, 12, 31)), st.dates(date(2021, 1, 1), date(2100, 12, 31)))
def test_a_year_of_birth_never_says_otherwise_than_the_birthday(born, on):
    """E-18, E-24: the two ages a year allows include the true one."""
    [age, _] = Client(birth_date=born).ages(on)
    assert age in Client(birth_year=born.year).ages(on)
