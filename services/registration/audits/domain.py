"""The rules of audit findings: who moves one on, when it is overdue, when the provider is reminded."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from contracts.refusals import Invalid, Refusal
from contracts.values import FindingState, Severity

REMIND_DAYS_BEFORE = 14
"""Days before the due date on which the provider is reminded: this system's own, two weeks to act in."""


class Category(StrEnum):
    """What audits have found (R-REG-11)."""

    PHYSICIAN_QUALIFICATION = "physician_qualification"
    FIRST_AID_TRAINING = "first_aid_training"
    PROFESSIONALS_AVAILABLE = "professionals_available"
    TEAM_PARTICIPATION = "team_participation"
    REHABILITATION_REPORTS = "rehabilitation_reports"
    RECORD_KEEPING = "record_keeping"
    WORK_EXPERIENCE = "work_experience"
    EXPERIENCE_AT_STAFF_CHANGE = "experience_at_staff_change"


class Step(StrEnum):
    """What can be done about a finding."""

    OPENED = "opened"
    ACTION_REPORTED = "action_reported"
    CLOSED = "closed"
    REOPENED = "reopened"


class Reminder(StrEnum):
    """What a provider is told of a finding."""

    OPENED = "audit-finding-opened"
    DUE = "audit-finding-due"
    OVERDUE = "audit-finding-overdue"


@dataclass(frozen=True)
class Finding:
    """A deviation from contract or service description, with what has to be done about it by when."""

    finding_id: str
    provider_id: str
    office_id: str
    service: str
    category: Category
    severity: Severity
    corrective_action: str
    opened_on: date
    due_on: date
    state: FindingState = FindingState.OPEN
    version: int = 1

    def overdue(self, on: date) -> bool:
        """True where nothing has been reported by the end of the due date."""
        return self.state is FindingState.OPEN and on > self.due_on


def require_time(due_on: date, *, on: date) -> None:
    """Corrective action needs a day that has not gone by.

    Raises:
        Invalid: DUE_DATE_PAST.
    """
    if due_on < on:
        raise Invalid("DUE_DATE_PAST", due_on=due_on, today=on)


def report_action(finding: Finding) -> Finding:
    """The finding with its corrective action reported, on time or late; it waits for Kela now.

    Raises:
        Refusal: FINDING_NOT_IN_STATE.
    """
    _require(finding, FindingState.OPEN)
    return replace(finding, state=FindingState.ACTION_REPORTED, version=finding.version + 1)


def close(finding: Finding) -> Finding:
    """The finding closed by Kela.

    Raises:
        Refusal: FINDING_NOT_IN_STATE.
    """
    _require(finding, FindingState.ACTION_REPORTED)
    return replace(finding, state=FindingState.CLOSED, version=finding.version + 1)


def reopen(finding: Finding, corrective_action: str, due_on: date, *, on: date) -> Finding:
    """The finding open again, with what is still to be done and a new day for it.

    Raises:
        Refusal: FINDING_NOT_IN_STATE.
        Invalid: DUE_DATE_PAST.
    """
    _require(finding, FindingState.ACTION_REPORTED, FindingState.CLOSED)
    require_time(due_on, on=on)
    return replace(
        finding,
        state=FindingState.OPEN,
        corrective_action=corrective_action,
        due_on=due_on,
        version=finding.version + 1,
    )


def reminders(finding: Finding, *, on: date) -> dict[Reminder, date]:
    """The days on which the provider of an open finding is reminded, from now on (R-REG-11).

    Two weeks before the due date, where that is still to come, and on the day after it.
    """
    days = {Reminder.OVERDUE: finding.due_on + timedelta(days=1)}
    before = finding.due_on - timedelta(days=REMIND_DAYS_BEFORE)
    return {Reminder.DUE: before, **days} if before > on else days


def still_true(finding: Finding, reminder: Reminder, *, on: date) -> bool:
    """Whether a reminder that comes late, after an outage, still says what is the case."""
    if finding.state is not FindingState.OPEN:
        return False
    return finding.overdue(on) is (reminder is Reminder.OVERDUE)


def _require(finding: Finding, *states: FindingState) -> None:
    if finding.state not in states:
        raise Refusal(
            "FINDING_NOT_IN_STATE", state=finding.state.value, allowed=sorted(state.value for state in states)
        )
