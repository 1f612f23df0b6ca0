"""SQL of unfinished courses of the older system. A draft is locked before everything else."""

# ruff: noqa: S608 - only names of this module are put into SQL text; values are bound parameters

from asyncpg import Record

from chassis.db import Transaction
from contracts.refusals import NotFound
from services.courses.drafts.domain import Draft, DraftState

_DRAFT = "draft_id, version, legacy_ref, contract_id, provider_id, saved_on, known, state, course_id"


async def add_draft(tx: Transaction, draft: Draft) -> bool:
    """Store an imported draft; False where the provider's draft of this reference is there already."""
    added = await tx.fetchval(
        "INSERT INTO legacy_drafts"
        f" ({_DRAFT}, imported_at, imported_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (provider_id, legacy_ref) DO NOTHING RETURNING true",
        draft.draft_id,
        draft.version,
        draft.legacy_ref,
        draft.contract_id,
        draft.provider_id,
        draft.saved_on,
        dict(draft.known),
        draft.state,
        draft.course_id,
        tx.now,
        tx.principal.subject,
    )
    return bool(added)


async def lock_draft(tx: Transaction, draft_id: str) -> Draft:
    """The draft, locked; NotFound DRAFT_UNKNOWN where it is not, or not in the caller's scope."""
    return _found(await tx.fetchrow(f"SELECT {_DRAFT} FROM legacy_drafts WHERE draft_id = $1 FOR UPDATE", draft_id))


async def get_draft(tx: Transaction, draft_id: str) -> Draft:
    """The draft, not locked; NotFound DRAFT_UNKNOWN."""
    return _found(await tx.fetchrow(f"SELECT {_DRAFT} FROM legacy_drafts WHERE draft_id = $1", draft_id))


async def set_state(tx: Transaction, draft: Draft) -> None:
    """Store what became of the draft."""
    await tx.execute(
        "UPDATE legacy_drafts SET version = version + 1, state = $2, course_id = $3, ended_at = $4 WHERE draft_id = $1",
        draft.draft_id,
        draft.state,
        draft.course_id,
        tx.now,
    )


async def find_drafts(tx: Transaction, *, state: DraftState | None, after: str, limit: int) -> list[Draft]:
    """Drafts of the caller's scope in the order they were imported (their ids grow with time)."""
    rows = await tx.fetch(
        f"SELECT {_DRAFT} FROM legacy_drafts"
        " WHERE ($1::text IS NULL OR state = $1) AND draft_id > $2 ORDER BY draft_id LIMIT $3",
        state,
        after,
        limit,
    )
    return [_draft(row) for row in rows]


def _found(row: Record | None) -> Draft:
    if row is None:
        raise NotFound("DRAFT_UNKNOWN")
    return _draft(row)


def _draft(row: Record) -> Draft:
    return Draft(**{**row, "state": DraftState(row["state"])})
