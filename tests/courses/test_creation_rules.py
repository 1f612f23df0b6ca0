"""Creating a course, as pure rules."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calendar import add_months
from contracts.refusals import Invalid, Refusal
from contracts.registration import AgeGroup, PeriodPlan
from contracts.values import CourseState, DeliveryMode, Language, PeriodKind
from services.courses import creation
from services.courses.copies import described
from services.courses.creation import Proposal, ProposedPeriod
from services.courses.domain import Contract, Office
from tests.courses.builders import PROVIDER, SERVICE_CODE, a_description, text

TODAY = date(2024, 1, 15)
FIRST = date(2024, 3, 4)
FACE, ONLINE = DeliveryMode.FACE_TO_FACE, DeliveryMode.ONLINE
THREE_WEEKS = tuple(
    PeriodPlan(number=number, kind=kind, mode=FACE, days=5)
    for number, kind in enumerate((PeriodKind.OPENING, PeriodKind.MIDDLE, PeriodKind.CLOSING), start=1)
)
AGE_GROUPS = (
    AgeGroup(code="under_68", names=text("alle 68"), max_age=67),
    AgeGroup(code="from_68", names=text("68 täyttäneet"), min_age=68),
)


def week(first: date, days: int = 5, mode: DeliveryMode | None = FACE) -> ProposedPeriod:
    return ProposedPeriod(first, first + timedelta(days=days - 1), mode)


def create(description=None, contract=None, office=None, on=TODAY, **differences):
    proposal: dict[str, Any] = {
        "group_size": 8,
        "target_groups": ("group_a",),
        "age_group": None,
        "periods": (week(FIRST), week(date(2024, 6, 3), mode=ONLINE)),
    }
    return creation.create(
        "course-1",
        Proposal(**(proposal | differences)),
        contract or Contract("contract-1", 1, PROVIDER, SERVICE_CODE, Language.FI, date(2023, 1, 1), None),
        office or Office("office-1", 1, PROVIDER, open=True),
        described(description or a_description()),
        on=on,
    )


def refused(expected: str, error: type[Refusal] = Refusal, **differences) -> dict[str, object]:
    with pytest.raises(error) as caught:
        create(**differences)
    assert caught.value.code == expected
    return caught.value.values


def test_a_new_course_keeps_the_terms_of_the_description_in_force():
    """R-CRS-3, E-13: later descriptions do not change it."""
    course = create()
    assert course.state is CourseState.CREATED
    assert (course.terms.group_min, course.terms.group_max) == (6, 12)
    assert (course.terms.confirm_at, course.terms.must_run_at) == (6, 7)
    assert [period.kind for period in course.periods] == [PeriodKind.OPENING, PeriodKind.CLOSING]
    assert [period.mode for period in course.periods] == [FACE, ONLINE]


@pytest.mark.parametrize(("group_size", "allowed"), [(5, False), (6, True), (12, True), (13, False)])
def test_the_group_size_lies_in_the_range_of_the_description(group_size, allowed):
    """R-CRS-3: 6 to 12; acceptance example 3: 13 is refused."""
    if allowed:
        assert create(group_size=group_size).group_size == group_size
    else:
        values = refused("GROUP_SIZE_OUT_OF_RANGE", group_size=group_size)
        assert values == {"group_size": group_size, "group_min": 6, "group_max": 12}


def test_an_unknown_range_does_not_bind():
    """Domain section 4: unknown parameters are not guessed."""
    unknown = a_description(group_min=None, group_max=None, confirm_min=None, must_run_at=None)
    course = create(unknown, group_size=40)
    assert (course.terms.confirm_at, course.must_run) == (1, False)


@pytest.mark.parametrize("chosen", [("group_a",), ("group_a", "group_b"), ("group_c", "group_b", "group_a")])
def test_one_to_three_target_groups_may_be_chosen(chosen):
    """R-CRS-4."""
    assert create(target_groups=chosen).target_groups == chosen


def test_target_groups_are_known_different_and_not_missing():
    """R-CRS-4."""
    assert refused("TARGET_GROUPS_COUNT", target_groups=()) == {"least": 1, "most": 3, "chosen": 0}
    refused("TARGET_GROUPS_COUNT", target_groups=("group_a", "group_a"))
    values = refused("TARGET_GROUP_UNKNOWN", target_groups=("group_a", "something private"))
    assert values == {"known": ("group_a", "group_b", "group_c")}


def test_an_age_group_is_needed_where_the_description_has_them():
    """R-CRS-47, E-46: under 68, and 68 or more."""
    aged = a_description(age_groups=AGE_GROUPS)
    refused("AGE_GROUP_REQUIRED", description=aged)
    refused("AGE_GROUP_UNKNOWN", description=aged, age_group="children")
    refused("AGE_GROUP_UNKNOWN", age_group="under_68")
    assert (create(aged, age_group="from_68").min_age, create(aged, age_group="under_68").max_age) == (68, 67)
    assert create(a_description(min_age=18)).min_age == 18


def test_periods_are_in_order_and_do_not_overlap():
    refused("PERIOD_BACKWARDS", Invalid, periods=(ProposedPeriod(FIRST, FIRST - timedelta(days=1), FACE),))
    assert refused("PERIODS_OVERLAP", Invalid, periods=(week(FIRST), week(FIRST + timedelta(days=4)))) == {"number": 2}
    refused("PERIODS_OVERLAP", Invalid, periods=(week(date(2024, 6, 3)), week(FIRST)))
    assert len(create(periods=(week(FIRST), week(FIRST + timedelta(days=5)))).periods) == 2


def test_a_course_may_begin_today_but_not_yesterday():
    assert create(periods=(week(TODAY),)).first_day == TODAY
    yesterday = TODAY - timedelta(days=1)
    assert refused("PERIODS_IN_PAST", periods=(week(yesterday),)) == {"first_day": yesterday, "today": TODAY}


def test_periods_follow_the_plan_of_the_description():
    """Heart courses: three weeks, face to face (P4)."""
    planned = a_description(periods=THREE_WEEKS, total_duration_months=None)
    starts = [date(2024, 4, 8), date(2024, 9, 9), date(2025, 1, 13)]
    course = create(planned, periods=tuple(week(start, mode=None) for start in starts))
    assert [period.kind for period in course.periods] == ["opening", "middle", "closing"]
    assert {period.mode for period in course.periods} == {FACE}
    assert course.year == 2024
    assert refused("PERIOD_PLAN_MISMATCH", description=planned) == {"planned": 3, "given": 2}
    longer = (*(week(start) for start in starts[:2]), week(starts[2], days=6))
    assert refused("PERIOD_LENGTH", description=planned, periods=longer) == {"number": 3, "planned": 5, "given": 6}
    online = (week(starts[0], mode=ONLINE), *(week(start) for start in starts[1:]))
    assert refused("PERIOD_MODE_PLANNED", description=planned, periods=online)["number"] == 1


def test_without_a_plan_every_period_brings_its_mode():
    """R-CRS-46."""
    assert refused("PERIOD_MODE_REQUIRED", periods=(week(FIRST), week(date(2024, 6, 3), mode=None))) == {"number": 2}


def test_course_976_is_nine_days_too_long_for_nine_months():
    """Acceptance example 6, E-12, R-CRS-31: 7.4.2025 to 16.1.2026; accepted where nothing is enforced; of 2025."""
    periods = (week(date(2025, 4, 7)), week(date(2025, 9, 8)), week(date(2026, 1, 12)))
    values = refused("TOTAL_DURATION_EXCEEDED", periods=periods)
    assert values == {"months": 9, "latest": date(2026, 1, 7), "last_day": date(2026, 1, 16)}
    for lenient in (a_description(total_duration_months=None), a_description(total_duration_enforced=False)):
        assert create(lenient, periods=periods).year == 2025


@given(st.dates(date(2000, 1, 1), date(2190, 1, 1)), st.integers(0, 60))
def test_the_latest_last_day_is_counted_in_calendar_months(first_day, months):
    """E-11, E-12: clipped to the month's end."""
    assert creation.latest_last_day(first_day, months) == add_months(first_day, months)


def test_the_latest_last_day_of_31_may_is_the_end_of_february():
    """E-12: 31.5.2025 + 9 = 28.2.2026."""
    assert creation.latest_last_day(date(2025, 5, 31), 9) == date(2026, 2, 28)


def test_the_contract_is_in_force_on_the_first_day():
    """E-45."""
    ended = Contract("contract-1", 1, PROVIDER, SERVICE_CODE, Language.FI, date(2023, 1, 1), FIRST - timedelta(days=1))
    assert refused("CONTRACT_NOT_VALID", contract=ended)["valid_to"] == FIRST - timedelta(days=1)
    future = Contract("contract-1", 1, PROVIDER, SERVICE_CODE, Language.FI, FIRST, FIRST)
    assert create(contract=future).first_day == FIRST


def test_the_office_is_open_and_the_contract_holders():
    refused("OFFICE_OF_OTHER_PROVIDER", office=Office("office-2", 1, "1572860-0", open=True))
    refused("OFFICE_CLOSED", office=Office("office-1", 1, PROVIDER, open=False))


def test_a_service_without_courses_gets_none():
    """Oma väylä is registered but not a course."""
    refused("NOT_A_COURSE_SERVICE", description=a_description(is_course=False))


@pytest.mark.parametrize(
    ("first_day", "year"), [(date(2024, 12, 31), 2024), (date(2025, 1, 1), 2025)], ids=["new year's eve", "new year"]
)
def test_the_year_of_a_course_is_that_of_its_first_day(first_day, year):
    """E-1."""
    assert create(periods=(week(first_day),)).year == year
