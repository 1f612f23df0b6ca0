"""The rules of audit findings alone: no database, no clock."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.refusals import Invalid, Refusal
from contracts.values import FindingState, Severity
from services.registration.audits import domain
from services.registration.audits.domain import REMIND_DAYS_BEFORE, Category, Finding, Reminder

TODAY = date(2024, 1, 15)
DUE = date(2024, 3, 31)
DAYS = st.dates(date(2023, 1, 1), date(2028, 12, 31))


def a_finding(**differences) -> Finding:
    return Finding(
        **{
            "finding_id": "finding-1",
            "provider_id": "1234567-1",
            "office_id": "office-1",
            "service": "CARDIAC_ADULT",
            "category": Category.FIRST_AID_TRAINING,
            "severity": Severity.MAJOR,
            "corrective_action": "EA1-koulutukset on uusittava.",
            "opened_on": TODAY,
            "due_on": DUE,
            **differences,
        }
    )


def test_the_categories_are_those_that_audits_have_found():
    """R-REG-11: the eight findings of the source."""
    assert len(Category) == 8


def test_a_finding_goes_from_open_to_reported_to_closed():
    """R-REG-11: the provider acts, Kela follows."""
    reported = domain.report_action(a_finding())
    assert (reported.state, reported.version) == (FindingState.ACTION_REPORTED, 2)
    closed = domain.close(reported)
    assert (closed.state, closed.version) == (FindingState.CLOSED, 3)


@pytest.mark.parametrize("state", [FindingState.ACTION_REPORTED, FindingState.CLOSED])
def test_kela_reopens_with_what_is_missing_and_a_new_day(state):
    reopened = domain.reopen(a_finding(state=state, version=3), "Todistukset puuttuvat.", date(2024, 5, 2), on=TODAY)
    assert (reopened.state, reopened.corrective_action, reopened.due_on, reopened.version) == (
        FindingState.OPEN,
        "Todistukset puuttuvat.",
        date(2024, 5, 2),
        4,
    )


@pytest.mark.parametrize(
    ("act", "state", "allowed"),
    [
        (domain.report_action, FindingState.ACTION_REPORTED, ["open"]),
        (domain.report_action, FindingState.CLOSED, ["open"]),
        (domain.close, FindingState.OPEN, ["action_reported"]),
        (domain.close, FindingState.CLOSED, ["action_reported"]),
        (
            lambda finding: domain.reopen(finding, "Lisää.", DUE, on=TODAY),
            FindingState.OPEN,
            ["action_reported", "closed"],
        ),
    ],
)
def test_a_step_out_of_turn_is_refused_with_the_states_it_needs(act, state, allowed):
    with pytest.raises(Refusal) as refused:
        act(a_finding(state=state))
    assert refused.value.code == "FINDING_NOT_IN_STATE"
    assert refused.value.values == {"state": state.value, "allowed": allowed}


def test_a_due_date_that_has_gone_by_is_none():
    domain.require_time(TODAY, on=TODAY)
    for act in (
        lambda: domain.require_time(TODAY - timedelta(1), on=TODAY),
        lambda: domain.reopen(a_finding(state=FindingState.CLOSED), "Lisää.", TODAY - timedelta(1), on=TODAY),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert refused.value.values == {"due_on": date(2024, 1, 14), "today": TODAY}


@given(DAYS, DAYS)
def test_a_finding_is_overdue_from_the_day_after_its_due_date_while_nothing_is_reported(due_on, day):
    """R-REG-11: the due date itself is still in time."""
    finding = a_finding(due_on=due_on)
    assert finding.overdue(day) is (day > due_on)
    for state in (FindingState.ACTION_REPORTED, FindingState.CLOSED):
        assert not replace(finding, state=state).overdue(day)


@given(DAYS, st.integers(0, 400))
def test_reminders_are_two_weeks_before_the_due_date_and_on_the_day_after_it(today, days):
    """R-REG-11: what would be in the past, or today, is left out; being told of the finding is enough then."""
    finding = a_finding(due_on=today + timedelta(days))
    planned = domain.reminders(finding, on=today)
    assert planned[Reminder.OVERDUE] == finding.due_on + timedelta(1)
    assert (Reminder.DUE in planned) is (days > REMIND_DAYS_BEFORE)
    assert all(day > today for day in planned.values())
    for reminder, day in planned.items():
        assert domain.still_true(finding, reminder, on=day)


@pytest.mark.parametrize(
    ("reminder", "day", "told"),
    [
        (Reminder.DUE, DUE, True),
        (Reminder.DUE, DUE + timedelta(1), False),
        (Reminder.OVERDUE, DUE, False),
        (Reminder.OVERDUE, DUE + timedelta(30), True),
    ],
)
def test_a_reminder_that_comes_late_is_said_only_where_it_is_still_true(reminder, day, told):
    assert domain.still_true(a_finding(), reminder, on=day) is told
    assert not domain.still_true(a_finding(state=FindingState.CLOSED), reminder, on=day)
