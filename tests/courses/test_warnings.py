"""What is warned of and never refused: public holidays, and a total duration that is not enforced."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.public_holidays import holidays_within
from tests.courses.builders import (
    a_description,
    a_period,
    a_proposal,
    contract_registered,
    descriptions_published,
    expect,
    office_registered,
    refusal,
)

# A real course of 2025: 7.-11.4.2025, 8.-12.9.2025, 12.-16.1.2026 (P7).
STARTS = (date(2025, 4, 7), date(2025, 9, 8), date(2026, 1, 12))
COURSE_976 = [a_period(first, 5, mode="face_to_face") for first in STARTS]


async def knowing(courses, **differences):
    """The service with a description of its own and room in 2025."""
    description = a_description(periods=(), **differences)
    await courses.know(
        descriptions_published(description), office_registered(), contract_registered({2024: 100, 2025: 12})
    )
    return courses


async def test_acceptance_example_6_course_976(empty_courses):
    """Acceptance example 6, E-1, E-12, P7: with nine months enforced it is refused by nine days."""
    courses = await knowing(empty_courses, total_duration_months=9, total_duration_enforced=True)
    refused = await courses.provider.post("/courses", json=a_proposal(periods=COURSE_976))
    assert refusal(refused) == (
        "TOTAL_DURATION_EXCEEDED",
        {"months": 9, "latest": "2026-01-07", "last_day": "2026-01-16"},
    )
    assert (date(2026, 1, 16) - date(2026, 1, 7)).days == 9


async def test_acceptance_example_6_course_976_is_warned_of_where_nine_months_are_not_enforced(empty_courses):
    """Acceptance example 6, E-12: a warning with the same figures, in every answer about the course."""
    courses = await knowing(empty_courses, total_duration_months=9, total_duration_enforced=False)
    course = await courses.create(periods=COURSE_976)
    warning = {"code": "TOTAL_DURATION_EXCEEDED", "months": 9, "latest": "2026-01-07", "last_day": "2026-01-16"}
    assert course["warnings"] == [warning]
    assert (await courses.get(course))["warnings"] == [warning]


async def test_acceptance_example_6_course_976_is_accepted_where_the_parameter_is_empty(empty_courses):
    """Acceptance example 6, E-1, E-12: its places belong to 2025 although it ends on 16.1.2026."""
    courses = await knowing(empty_courses, total_duration_months=None)
    course = await courses.create(periods=COURSE_976)
    assert (course["warnings"], course["year"], course["periods"][-1]["last_day"]) == ([], 2025, "2026-01-16")
    assert await courses.ledger(2025) == (12, 12, 0)
    assert await courses.ledger(2026) == (0, 0, 0)


async def test_public_holidays_in_a_period_are_warned_of_in_three_languages(courses):
    """E-17, P9: at creation, on the course, and after a move; nothing is blocked."""
    easter_week = [a_period(date(2024, 3, 25), 8, mode="face_to_face"), a_period(date(2024, 4, 29), 3, mode="online")]
    course = await courses.create(periods=easter_week)
    names = {"fi": "Pitkäperjantai", "sv": "Långfredagen", "en": "Good Friday"}
    assert course["warnings"][0] == {"code": "PUBLIC_HOLIDAY", "period": 1, "day": "2024-03-29", "names": names}
    assert [(warning["period"], warning["day"]) for warning in course["warnings"]] == [
        (1, "2024-03-29"),
        (1, "2024-03-31"),
        (1, "2024-04-01"),
        (2, "2024-05-01"),
    ]
    assert await courses.get(course) == course
    moved = expect(200, await courses.reschedule(course, date(2024, 4, 8), periods=a_proposal()["periods"]))
    assert moved["warnings"] == []
    midsummer = [a_period(date(2024, 6, 17), 5, mode="face_to_face")]
    moved = expect(200, await courses.reschedule(course, date(2024, 6, 17), periods=midsummer))
    assert [warning["names"]["fi"] for warning in moved["warnings"]] == ["Juhannusaatto"]


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_days_of_the_rule_are_public_holidays(year):
    """E-17: Epiphany, May Day, Independence Day, Christmas Eve; Midsummer Eve and Ascension are found by name."""
    found = {holiday.day: holiday for holiday in holidays_within(date(year, 1, 1), date(year, 12, 31))}
    for month, day in ((1, 1), (1, 6), (5, 1), (12, 6), (12, 24), (12, 25), (12, 26)):
        assert date(year, month, day) in found
    assert {"Juhannusaatto", "Helatorstai", "Pitkäperjantai"} <= {holiday.fi for holiday in found.values()}
    assert all(holiday.fi and holiday.sv and holiday.en for holiday in found.values())


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)), st.integers(0, 400))
def test_holidays_are_found_in_order_and_inside_the_days_asked_for(first_day, days):
    """E-17: also across the turn of the year."""
    last_day = date.fromordinal(first_day.toordinal() + days)
    found = [holiday.day for holiday in holidays_within(first_day, last_day)]
    assert found == sorted(set(found))
    assert all(first_day <= day <= last_day for day in found)
    new_years_days = [date(year, 1, 1) for year in range(first_day.year, last_day.year + 1)]
    assert [day for day in new_years_days if first_day <= day <= last_day] == [
        day for day in found if (day.month, day.day) == (1, 1)
    ]
