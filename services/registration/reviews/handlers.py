"""Confirming that an office's data are up to date, and the reminder once a period (R-REG-7)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from services.registration import store as registered
from services.registration.acts import Act
from services.registration.notices import give_notice
from services.registration.reviews import store
from services.registration.reviews.planning import REMIND_OF_REVIEW, periods_over, plan_review, review_by
from services.registration.reviews.store import ReviewedOffice

REVIEW_DUE = "data-review-due"


async def confirm_data(tx: Transaction, office_id: str, *, if_match: IfMatch | None) -> ReviewedOffice:
    """The provider confirms that an office's data are up to date; the same day again changes nothing.

    `if_match` is the office's version: what was looked through is what stands there.

    Raises:
        NotFound: OFFICE_UNKNOWN.
        Stale: the office has another version.
    """
    office = await store.get_office(tx, office_id)
    expect_version(office.version, if_match)
    if not await store.add_review(tx, office):
        return office
    await plan_review(tx, office_id, tx.today)
    tx.audit(Act.CONFIRM_DATA, f"office:{office_id}", version=office.version)
    return replace(office, reviewed_on=tx.today)


async def remind(tx: Transaction, office_id: str, _payload: Mapping[str, Any]) -> None:
    """A timer: a period has gone by. Said once a period; after an outage once for all that went by."""
    office = await store.get_office(tx, office_id)
    periods = periods_over(office.since, tx.today)
    if periods > 0 and office.open:
        due_on = review_by(office.since, periods)
        tx.audit(Act.REMIND_OF_REVIEW, f"office:{office_id}", due_on=str(due_on))
        give_notice(
            tx,
            f"{REVIEW_DUE}/{office_id}/{due_on}",
            REVIEW_DUE,
            await registered.get_office(tx, office_id),
            due_on=due_on,
        )
    await plan_review(tx, office_id, office.since, periods + 1)


async def plan_missing(tx: Transaction) -> None:
    """Plan the reminder of every office that has none: those registered before there were reminders."""
    for office in await store.find_unplanned(tx):
        await plan_review(tx, office.office_id, office.since)


TIMERS = {REMIND_OF_REVIEW: remind}
"""The reminder by its timer's kind; the key is the office's id."""
