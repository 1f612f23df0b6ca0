"""What Kela and providers do about audit findings, and the timers that remind (R-REG-11)."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from chassis.calendar import start_of_day
from chassis.db import Transaction
from contracts import registration as contracts
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, expect_version
from contracts.values import FindingState, Severity
from services.registration import domain as registration
from services.registration import store as registered
from services.registration.acts import Act
from services.registration.audits import domain, store
from services.registration.audits.domain import Category, Finding, Reminder, Step
from services.registration.notices import give_notice

_ACTS = {
    Step.OPENED: Act.OPEN_FINDING,
    Step.ACTION_REPORTED: Act.REPORT_ACTION,
    Step.CLOSED: Act.CLOSE_FINDING,
    Step.REOPENED: Act.REOPEN_FINDING,
}


async def open_finding(
    tx: Transaction,
    *,
    office_id: str,
    service: str,
    category: Category,
    severity: Severity,
    corrective_action: str,
    due_on: date,
) -> Finding:
    """Kela records what an audit found at an office, and what the provider has to do about it by when.

    Raises:
        NotFound: OFFICE_UNKNOWN.
        Refusal: SERVICE_NOT_PROVIDED.
        Invalid: DUE_DATE_PAST.
    """
    office = await registered.get_office(tx, office_id)
    provided = await registered.find_contracts(tx, office.provider_id)
    registration.require_provided(service, {contract.service for contract in provided})
    domain.require_time(due_on, on=tx.today)
    finding = Finding(
        finding_id=str(new_event_id()),
        provider_id=office.provider_id,
        office_id=office_id,
        service=service,
        category=category,
        severity=severity,
        corrective_action=corrective_action,
        opened_on=tx.today,
        due_on=due_on,
    )
    await store.add_finding(tx, finding)
    await _told(tx, finding, Step.OPENED)
    return finding


async def report_action(tx: Transaction, finding_id: str, said: str, *, if_match: IfMatch | None) -> Finding:
    """The provider reports what it has done.

    Raises:
        NotFound: FINDING_UNKNOWN.
        Stale: the finding has another version.
        Refusal: FINDING_NOT_IN_STATE.
    """
    return await _take(tx, finding_id, Step.ACTION_REPORTED, said, domain.report_action, if_match)


async def close(tx: Transaction, finding_id: str, said: str | None, *, if_match: IfMatch | None) -> Finding:
    """Kela accepts what was done.

    Raises:
        NotFound: FINDING_UNKNOWN.
        Stale: the finding has another version.
        Refusal: FINDING_NOT_IN_STATE.
    """
    return await _take(tx, finding_id, Step.CLOSED, said, domain.close, if_match)


async def reopen(
    tx: Transaction, finding_id: str, corrective_action: str, due_on: date, *, if_match: IfMatch | None
) -> Finding:
    """Kela asks for more, by a new day.

    Raises:
        NotFound: FINDING_UNKNOWN.
        Stale: the finding has another version.
        Refusal: FINDING_NOT_IN_STATE.
        Invalid: DUE_DATE_PAST.
    """
    reopened = partial(domain.reopen, corrective_action=corrective_action, due_on=due_on, on=tx.today)
    return await _take(tx, finding_id, Step.REOPENED, corrective_action, reopened, if_match)


async def remind(tx: Transaction, finding_id: str, _payload: Mapping[str, Any], *, reminder: Reminder) -> None:
    """A timer: the due date comes, or went by yesterday. After an outage each that is still true is said once.

    The finding is read without a lock: a step takes the finding before its timers, and a timer is held already here.
    """
    finding = await store.get_finding(tx, finding_id)
    if domain.still_true(finding, reminder, on=tx.today):
        tx.audit(Act.REMIND_OF_FINDING, f"finding:{finding_id}", reminder=reminder, due_on=str(finding.due_on))
        await _notify(tx, finding, reminder, f"{reminder}/{finding_id}/{finding.due_on}")


TIMERS = {reminder.value: partial(remind, reminder=reminder) for reminder in (Reminder.DUE, Reminder.OVERDUE)}
"""The reminders by their timer's kind; the key is the finding's id."""


async def _take(
    tx: Transaction,
    finding_id: str,
    step: Step,
    said: str | None,
    rule: Callable[[Finding], Finding],
    if_match: IfMatch | None,
) -> Finding:
    before = await store.lock_finding(tx, finding_id)
    expect_version(before.version, if_match)
    finding = rule(before)
    await store.set_finding(tx, finding, step, said)
    await _told(tx, finding, step)
    return finding


async def _told(tx: Transaction, finding: Finding, step: Step) -> None:
    """Audit row, event, reminders from now on, and a line to the provider where it has to act."""
    tx.audit(_ACTS[step], f"finding:{finding.finding_id}", version=finding.version, due_on=str(finding.due_on))
    tx.emit(contracts.AuditFindingChanged(version=finding.version, finding=_snapshot(finding)))
    for kind in TIMERS:
        await tx.cancel(kind, finding.finding_id)
    if finding.state is FindingState.OPEN:
        for reminder, day in domain.reminders(finding, on=tx.today).items():
            await tx.schedule(reminder, finding.finding_id, start_of_day(day))
        await _notify(tx, finding, Reminder.OPENED, f"{Reminder.OPENED}/{finding.finding_id}/{finding.version}")


async def _notify(tx: Transaction, finding: Finding, reminder: Reminder, notice_id: str) -> None:
    office = await registered.get_office(tx, finding.office_id)
    give_notice(tx, notice_id, reminder, office, due_on=finding.due_on, service=finding.service)


def _snapshot(finding: Finding) -> contracts.AuditFinding:
    return contracts.AuditFinding(
        finding_id=finding.finding_id,
        provider_id=finding.provider_id,
        office_id=finding.office_id,
        service=finding.service,
        category=finding.category,
        severity=finding.severity,
        state=finding.state,
        due_on=finding.due_on,
    )
