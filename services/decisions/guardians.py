"""Who speaks for a child: on a family course notices and answers are the guardian's (E-58)."""

from chassis.db import Transaction
from contracts.refusals import Invalid
from services.decisions import store
from services.decisions.domain import Decision, GivenBy


async def require_guardian(tx: Transaction, decision: Decision, given_by: GivenBy) -> None:
    """By the service description in force when the decision was given (E-13), or today where it waits.

    Raises:
        Invalid: GUARDIAN_NEEDED.
    """
    on = decision.decided_on or tx.today
    if given_by is not GivenBy.GUARDIAN and await store.is_family_course(tx, decision.service, on):
        raise Invalid("GUARDIAN_NEEDED")
