"""The demo's plan: the source's figures on working days, the same every time, and possible at every step."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest
from stdnum.fi import ytunnus

from contracts.identity_codes import holds_identity_code
from contracts.values import Language
from rekku.demo import reference
from rekku.demo.billing import BILLED
from rekku.demo.courses import CONFIRM_FROM
from rekku.demo.invoices import reference_number
from rekku.demo.plan import FIRST_COURSES, QUOTA_DAY, REGISTRATION_DAY, make_plan
from rekku.demo.providers import PROVIDER_OF, PROVIDERS
from rekku.demo.steps import (
    AcceptSettlement,
    AnnounceCount,
    BillPeriod,
    Decide,
    GrowGroup,
    MoveCourse,
    OpenCourse,
    PayPeriod,
    PinClient,
    SetEstimate,
    SetPrices,
    TrySettlement,
)
from rekku.demo.workdays import easter, is_working_day, working_day_after, working_days, working_week_from


@pytest.fixture(scope="module")
def plan():
    return make_plan()


def test_the_reference_agrees_with_itself():
    for year in reference.NEW_CLIENTS:
        assert sum(year.new_clients) == year.stated_total
    assert {year.year: year.use_of_estimate for year in reference.NEW_CLIENTS if year.complete} == {
        2022: Decimal("87.4"),
        2023: Decimal("117.2"),
    }
    newest = reference.NEW_CLIENTS[-1]
    assert newest.stated_total / newest.months * 12 == reference.FORECASTS_2024["straight line"]
    assert newest.estimate - newest.stated_total == reference.REMAINING_2024


def test_every_month_has_exactly_the_sources_new_clients(plan):
    made = Counter((d.decided_on.year, d.decided_on.month) for d in plan.decisions if d.new_client)
    wanted = {
        (year.year, month): count
        for year in reference.NEW_CLIENTS
        for month, count in enumerate(year.new_clients, start=1)
    }
    assert made == wanted


def test_a_client_is_new_once(plan):
    new = [d.client for d in plan.decisions if d.new_client]
    assert len(new) == len(set(new)) == 2250
    anew = [d for d in plan.decisions if d.follows]
    by_key = {d.key: d for d in plan.decisions}
    assert anew
    for decision in anew:
        before = by_key[decision.follows]
        assert before.client == decision.client
        assert before.contract != decision.contract
        assert before.revoked_on < decision.decided_on


def test_rejections_come_at_the_rate_of_2021(plan):
    assert plan.rejected == 2250 * reference.REJECTED_2021 // reference.GRANTED_2021 == 232


def test_every_twenty_fifth_new_grant_is_revoked(plan):
    new = [d for d in plan.decisions if d.new_client]
    assert [d.key for d in new if d.revoked_on] == [f"grant-{n:04}" for n in range(25, 2251, 25)]
    assert plan.revoked == 90
    assert 0 < plan.unpinned <= 90


def test_the_plan_is_the_same_for_a_seed_and_differs_between_seeds(plan):
    assert make_plan() == plan
    assert make_plan(seed=7).steps != plan.steps


def test_there_are_as_many_contracts_as_the_source_counts():
    assert len(PROVIDERS) == reference.CONTRACTS
    assert [p.language for p in PROVIDERS].count(Language.SV) == reference.SWEDISH_CONTRACTS
    assert len({p.municipality_code for p in PROVIDERS}) == len(PROVIDERS)
    assert all(ytunnus.is_valid(p.provider_id) for p in PROVIDERS)


def test_every_contract_has_its_share(plan):
    granted = Counter(d.contract for d in plan.decisions if d.new_client)
    assert all(granted[p.key] for p in PROVIDERS)
    swedish = granted["jakobstad"] / granted.total()
    assert swedish == pytest.approx(reference.DECISIONS_2021_SV / 400, abs=0.002)


def test_people_decide_and_pin_on_working_days(plan):
    assert all(is_working_day(step.day) for step in plan.steps if isinstance(step, Decide | PinClient))


def test_each_step_follows_what_it_relies_on(plan):
    place = {step.key: n for n, step in enumerate(plan.steps)}
    assert len(place) == len(plan.steps)
    of_key = {step.key: step for step in plan.steps}
    for step in plan.steps:
        for earlier in step.after:
            assert of_key[earlier].day <= step.day, f"{step.key} relies on {earlier}, which comes later"


def test_no_step_waits_for_itself_through_others(plan):
    after = {step.key: step.after for step in plan.steps}
    done: set[str] = set()
    for _, steps in plan.steps_by_day():
        waiting = {step.key for step in steps}
        while waiting:
            ready = {key for key in waiting if not (set(after[key]) & waiting)}
            assert ready, f"these wait for one another: {sorted(waiting)[:5]}"
            waiting -= ready
            done |= ready
    assert done == set(after)


def test_counts_are_only_raised_and_always_suffice(plan):
    announced: dict[tuple[str, int], int] = defaultdict(lambda: -1)
    used: Counter[tuple[str, int, str]] = Counter()
    opened = {course.key: course for course in plan.courses}
    order = {AnnounceCount: 0}
    for step in sorted(plan.steps, key=lambda step: (step.day, order.get(type(step), 1))):
        if isinstance(step, AnnounceCount):
            assert step.count > announced[step.contract, step.year]
            assert step.year in (step.day.year, step.day.year + 1)
            announced[step.contract, step.year] = step.count
        elif isinstance(step, Decide) and step.granted:
            used[step.contract, step.day.year, "decisions"] += 1
        elif isinstance(step, OpenCourse):
            used[step.contract, step.periods[0][0].year, "places"] += step.group_size
        elif isinstance(step, GrowGroup):
            course = opened[step.course]
            used[step.contract, course.year, "places"] += step.group_size - course.group_size
        elif isinstance(step, MoveCourse):
            used[step.contract, step.periods[0][0].year, "places"] += opened[step.course].group_size
    for (contract, year, ledger), amount in used.items():
        assert amount <= announced[contract, year], f"{contract} {year} {ledger}"


def test_no_course_ever_holds_more_pins_than_places(plan):
    for course in plan.courses:
        for day in {stay.since for stay in course.stays}:
            assert len(course.present(day)) <= course.size_on(day)


def test_clients_come_before_their_course_begins_and_to_their_own_contract(plan):
    for course in plan.courses:
        assert course.opened_with[0][0] > course.created_on
        for stay in course.stays:
            assert course.created_on <= stay.since < course.periods[0][0]
            assert stay.decision.contract == course.contract
            assert stay.decision.pin_on <= stay.since


def test_confirmed_courses_have_enough_pins_that_day(plan):
    confirmed = [course for course in plan.courses if course.confirmed_on and not course.confirmed_late]
    assert len(confirmed) > 200
    for course in confirmed:
        before = [stay for stay in course.present(course.confirmed_on) if stay.since < course.confirmed_on]
        assert len(before) >= CONFIRM_FROM
        assert course.confirmed_on < course.periods[0][0]


def test_periods_have_five_working_days_and_are_paid_after_they_end(plan):
    for course in plan.courses:
        for first, last in course.periods:
            assert [day.weekday() for day in working_days(first, last)] == [0, 1, 2, 3, 4]
        for payment in course.payments:
            assert payment.paid_on > course.periods[payment.number - 1][1]


def test_only_valid_decisions_are_paid(plan):
    by_key = {d.key: d for d in plan.decisions}
    for step in plan.steps:
        if isinstance(step, PayPeriod | BillPeriod):
            assert all(by_key[key].held_on(step.day) for key in step.decisions)


def test_estimates_are_those_of_the_source_and_come_the_autumn_before(plan):
    estimates = {step.year: step for step in plan.steps if isinstance(step, SetEstimate)}
    assert {year: step.estimate for year, step in estimates.items()} == {2022: 810, 2023: 780, 2024: 930}
    assert all((step.day.year, step.day.month) == (year - 1, 10) for year, step in estimates.items())


def test_the_plan_runs_from_registration_to_the_quota(plan):
    assert plan.steps[0].day == REGISTRATION_DAY
    assert min(step.day for step in plan.steps if isinstance(step, OpenCourse)) == FIRST_COURSES
    assert plan.steps[-1].day == QUOTA_DAY


def test_nothing_in_the_plan_looks_like_a_personal_identity_code(plan):
    words = [word for step in plan.steps for word in (step.key, *step.after)]
    assert not any(holds_identity_code(word) for word in words)
    assert set(PROVIDER_OF) == {d.contract for d in plan.decisions}


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2021, date(2021, 4, 4)), (2022, date(2022, 4, 17)), (2023, date(2023, 4, 9)), (2024, date(2024, 3, 31))],
)
def test_easter_is_computed(year, sunday):
    assert easter(year) == sunday


@pytest.mark.parametrize(
    "holiday",
    [
        date(2022, 1, 6),
        date(2022, 4, 15),
        date(2022, 4, 18),
        date(2022, 5, 26),
        date(2022, 6, 24),
        date(2022, 12, 6),
        date(2024, 5, 1),
        date(2024, 12, 24),
    ],
)
def test_public_holidays_are_not_worked(holiday):
    assert not is_working_day(holiday)


def test_the_next_working_day_skips_weekends_and_holidays():
    assert working_day_after(date(2022, 4, 14)) == date(2022, 4, 19)
    assert working_day_after(date(2022, 4, 16), 0) == date(2022, 4, 19)
    assert working_day_after(date(2022, 6, 23), 2) == date(2022, 6, 28)


def test_a_working_week_has_no_holiday_in_it():
    assert working_week_from(date(2022, 4, 11)) == date(2022, 4, 25)
    assert working_week_from(date(2022, 9, 5)) == date(2022, 9, 5)


def test_some_contracts_are_billed_and_one_settlement_is_sent_in_vain(plan):
    """E-60, R-BIL-10: every payment is one step, by settlement where the contract has prices, otherwise without."""
    paid = [step for step in plan.steps if isinstance(step, PayPeriod | AcceptSettlement)]
    assert len(paid) == sum(len(course.payments) for course in plan.courses)
    assert {step.contract for step in plan.steps if isinstance(step, SetPrices)} == set(BILLED)
    billed = [step for step in plan.steps if isinstance(step, BillPeriod) and not isinstance(step, TrySettlement)]
    assert {step.contract for step in billed} == set(BILLED)
    assert {step.settlement for step in plan.steps if isinstance(step, AcceptSettlement)} == {b.key for b in billed}
    [tried] = [step for step in plan.steps if isinstance(step, TrySettlement)]
    assert len(tried.decisions) >= 4
    assert sum(half.cost or 0 for half in plan.half_years.values()) == sum(
        step.amount * len(step.decisions) for step in billed
    )


def test_invoices_have_reference_numbers_with_a_check_digit():
    assert reference_number(123) == "1232"
