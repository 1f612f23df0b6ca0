"""Who speaks for a child: on a family course the guardian agrees and acknowledges (E-58)."""

from collections.abc import Iterable

from chassis.db import Transaction
from contracts.refusals import Refusal
from services.courses import copies
from services.courses.consents import Consent, GivenBy
from services.courses.domain import Course


async def require_guardians(tx: Transaction, course: Course, given: Iterable[Consent]) -> None:
    """Nobody but the guardian agrees to or acknowledges anything of a family course.

    Raises:
        Refusal: GUARDIAN_NEEDED with the decisions for which somebody else did.
    """
    by_others = [consent.decision_ref for consent in given if consent.given_by is not GivenBy.GUARDIAN]
    if by_others and await copies.is_family_course(tx, course.service, course.terms.description_version):
        raise Refusal("GUARDIAN_NEEDED", decision_refs=by_others)
