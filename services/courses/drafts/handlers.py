"""Taking unfinished courses over from the older system, and what providers do with them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from chassis.db import Transaction
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, Refusal, expect_version
from services.courses import copies, handlers
from services.courses.acts import Act
from services.courses.creation import Proposal
from services.courses.domain import Course
from services.courses.drafts import domain, store
from services.courses.drafts.domain import Draft


async def import_draft(
    tx: Transaction, legacy_ref: str, contract_id: str, saved_on: date, known: Mapping[str, Any]
) -> Draft:
    """Take one unfinished course over as it is (E-42)."""
    domain.require_saved_before(saved_on)
    contract = await copies.find_contract(tx, contract_id)
    if contract is None:
        raise Refusal("CONTRACT_UNKNOWN")
    draft = Draft(
        draft_id=str(new_event_id()),
        version=1,
        legacy_ref=legacy_ref,
        contract_id=contract_id,
        provider_id=contract.provider_id,
        saved_on=saved_on,
        known=known,
    )
    if not await store.add_draft(tx, draft):
        raise Refusal("DRAFT_EXISTS")
    tx.audit(
        Act.IMPORT_DRAFT,
        f"legacy-draft:{draft.draft_id}",
        contract_id=contract_id,
        legacy_ref=legacy_ref,
        saved_on=str(saved_on),
    )
    return draft


async def complete_draft(
    tx: Transaction, draft_id: str, office_id: str, proposal: Proposal, if_match: IfMatch | None = None
) -> tuple[Draft, Course]:
    """Create the draft's course whole, checked like every other (R-CRS-38, E-42)."""
    draft = await _lock_matching(tx, draft_id, if_match)
    domain.require_unfinished(draft)
    course = await handlers.create_course(tx, draft.contract_id, office_id, proposal)
    draft = domain.completed(draft, course.course_id)
    await store.set_state(tx, draft)
    tx.audit(Act.COMPLETE_DRAFT, f"legacy-draft:{draft_id}", course_id=course.course_id)
    return draft, course


async def delete_draft(tx: Transaction, draft_id: str, if_match: IfMatch | None = None) -> Draft:
    """The unfinished course will never be one (E-42)."""
    draft = domain.deleted(await _lock_matching(tx, draft_id, if_match))
    await store.set_state(tx, draft)
    tx.audit(Act.DELETE_DRAFT, f"legacy-draft:{draft_id}")
    return draft


async def _lock_matching(tx: Transaction, draft_id: str, if_match: IfMatch | None) -> Draft:
    draft = await store.lock_draft(tx, draft_id)
    expect_version(draft.version, if_match)
    return draft
