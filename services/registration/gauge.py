"""The gauge of a contract: announced, used and left, for decisions and for places (R-DEC-3, E-1).

What is used is counted from copies of decisions and courses. A copy is replaced by a newer version
only, so repeated and reordered events end in the same numbers.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

from chassis.db import Transaction
from contracts.courses import COURSE_EVENTS, CourseEvent
from contracts.decisions import DecisionAnnulled, DecisionExpired, DecisionGranted, DecisionRevoked, DecisionUsed
from contracts.envelope import Event
from services.registration import domain, store
from services.registration.domain import Contract, CourseCopy, DecisionCopy, YearGauge

GivenDecision = DecisionGranted | DecisionRevoked | DecisionAnnulled | DecisionExpired | DecisionUsed
DECISION_EVENTS: tuple[type[GivenDecision], ...] = get_args(GivenDecision)


async def merge_uses(tx: Transaction, events: Sequence[Event]) -> None:
    """Merge a batch of decisions and courses into our copies."""
    decisions = [_decision_copy(event) for event in events if isinstance(event, DECISION_EVENTS)]
    courses = [_course_copy(event) for event in events if isinstance(event, COURSE_EVENTS)]
    await store.set_decisions(tx, [copy for copy in decisions if copy is not None])
    await store.set_courses(tx, courses)


async def read_gauges(tx: Transaction, contracts: Sequence[Contract]) -> Mapping[str, tuple[YearGauge, ...]]:
    """The gauge of every year of these contracts, by contract."""
    ids = [contract.contract_id for contract in contracts]
    decisions = await store.count_decisions(tx, ids)
    places = await store.count_places(tx, ids)
    return {
        contract.contract_id: domain.gauges(
            contract.counts,
            decisions.get(contract.contract_id, {}),
            places.get(contract.contract_id, {}),
            contract.defaulted,
        )
        for contract in contracts
    }


def _decision_copy(event: GivenDecision) -> DecisionCopy | None:
    """The date the decision was given decides the year (R-DEC-6); a decision never given uses nothing."""
    decision = event.decision
    if decision.decided_on is None:
        return None
    return DecisionCopy(
        decision_ref=decision.decision_ref,
        contract_id=decision.contract_id,
        provider_id=decision.provider_id,
        year=decision.decided_on.year,
        uses_count=domain.uses_count(decision.state),
        version=event.version,
    )


def _course_copy(event: CourseEvent) -> CourseCopy:
    """A course counts in the year it begins in (E-1)."""
    course = event.course
    return CourseCopy(
        course_id=course.course_id,
        contract_id=course.contract_id,
        provider_id=course.provider_id,
        year=course.year,
        places=domain.places_of(course.state, course.group_size, held=course.holds_places),
        version=event.version,
    )
