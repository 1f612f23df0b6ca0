"""That a course mixes ages is known to everybody who is pinned to it (R-CRS-49, E-47).

Who is pinned before the confirmation has until then; whoever is pinned later brings the acknowledgement.
"""

from chassis.db import Transaction
from contracts.refusals import Refusal
from services.courses.changing import domain, store
from services.courses.consents import Consent, require_given
from services.courses.domain import Course
from services.courses.guardians import require_guardians


async def require_all_know(tx: Transaction, course: Course) -> None:
    """Nobody on a course that mixes ages has missed the notice, under the course's lock.

    Raises:
        Refusal: AGE_NOTICE_MISSING with the decisions of those who have not acknowledged it.
    """
    if not course.mixed_age:
        return
    missing = [ref for ref, notice in await store.find_age_notices(tx, course.course_id) if notice is None]
    if missing:
        raise Refusal("AGE_NOTICE_MISSING", decision_refs=missing)


async def take_notice(tx: Transaction, course: Course, decision_ref: str, notice: Consent | None) -> None:
    """Keep the notice that comes with a new pin; a confirmed course that mixes ages takes nobody without.

    Raises:
        Refusal: AGE_NOTICE_MISSING, CONSENT_IN_FUTURE, GUARDIAN_NEEDED, or NOT_MIXED_AGE where there is nothing
            to acknowledge.
    """
    if notice is not None:
        domain.require_mixed(course)
        require_given((notice,), tx.today)
        await require_guardians(tx, course, [notice])
        await store.set_age_notice(tx, course, notice)
    elif course.mixed_age and domain.committed(course) and not await store.has_acknowledged(tx, course, decision_ref):
        raise Refusal("AGE_NOTICE_MISSING", decision_refs=[decision_ref])
