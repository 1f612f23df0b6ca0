"""What officers note about a follow-up: load, decide, save."""

from collections.abc import Callable
from datetime import date

from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from services.decisions import store as decisions
from services.decisions.acts import Act
from services.decisions.domain import Decision
from services.decisions.followup import domain, store
from services.decisions.followup.domain import Entry, EntryKind, FollowUp, Said, Watch
from services.decisions.guardians import require_guardian

_ACTS = {
    EntryKind.CONTACTED: Act.NOTE_CONTACT,
    EntryKind.STAYS: Act.NOTE_STAY,
    EntryKind.SWAP_WANTED: Act.NOTE_SWAP_WISH,
    EntryKind.SWAP_ENDED: Act.END_SWAP,
}


async def get_follow_up(tx: Transaction, decision: Decision) -> FollowUp:
    """The follow-up of a decision, from our copies of pins and courses."""
    return domain.follow_up(decision, await store.find_place(tx, decision.decision_ref))


async def note_contact(tx: Transaction, ref: str, said: Said, *, if_match: IfMatch | None) -> Watch:
    """Note that the client was contacted, or that it was tried (R-CRS-21).

    Raises:
        Refusal: FOLLOW_UP_CLOSED.
        Invalid: CONTACT_DAY_INVALID.
        NotFound: DECISION_UNKNOWN.
        Stale: something was noted meanwhile.
    """
    return await _note(
        tx,
        ref,
        EntryKind.CONTACTED,
        lambda watch, decision: domain.contacted(watch, said, decision, tx.today),
        said=said,
        if_match=if_match,
    )


async def note_stay(tx: Transaction, ref: str, said: Said, next_on: date, *, if_match: IfMatch | None) -> Watch:
    """The client answered: stays with the provider; watched again from `next_on` on (E-65).

    Raises:
        Refusal: FOLLOW_UP_CLOSED.
        Invalid: CONTACT_DAY_INVALID, GUARDIAN_NEEDED or NEXT_DAY_INVALID.
        NotFound: DECISION_UNKNOWN.
        Stale: something was noted meanwhile.
    """
    return await _note(
        tx,
        ref,
        EntryKind.STAYS,
        lambda watch, decision: domain.stays(watch, said, decision, next_on, tx.today),
        said=said,
        next_on=next_on,
        if_match=if_match,
    )


async def note_swap_wish(tx: Transaction, ref: str, said: Said, *, if_match: IfMatch | None) -> Watch:
    """The client answered: wants another provider; stays on the work list until it has one (E-65, E-66).

    Raises:
        Refusal: FOLLOW_UP_CLOSED or DEADLINE_NOT_PASSED.
        Invalid: CONTACT_DAY_INVALID or GUARDIAN_NEEDED.
        NotFound: DECISION_UNKNOWN.
        Stale: something was noted meanwhile.
    """
    return await _note(
        tx,
        ref,
        EntryKind.SWAP_WANTED,
        lambda watch, decision: domain.wants_swap(watch, said, decision, tx.today),
        said=said,
        if_match=if_match,
    )


async def end_swap(tx: Transaction, ref: str, next_on: date, *, if_match: IfMatch | None) -> Watch:
    """No other provider can take the client: the decision stays, watched again from `next_on` on (E-65).

    Raises:
        Refusal: FOLLOW_UP_CLOSED or SWAP_NOT_WANTED.
        Invalid: NEXT_DAY_INVALID.
        NotFound: DECISION_UNKNOWN.
        Stale: something was noted meanwhile.
    """
    return await _note(
        tx,
        ref,
        EntryKind.SWAP_ENDED,
        lambda watch, _: domain.swap_ended(watch, next_on, tx.today),
        next_on=next_on,
        if_match=if_match,
    )


async def _note(
    tx: Transaction,
    ref: str,
    kind: EntryKind,
    rule: Callable[[Watch, Decision], Watch],
    *,
    said: Said | None = None,
    next_on: date | None = None,
    if_match: IfMatch | None,
) -> Watch:
    decision = await decisions.lock_decision(tx, ref)
    watch = await store.find_watch(tx, ref)
    expect_version(watch.version, if_match)
    domain.require_open(await get_follow_up(tx, decision), decision)
    changed = rule(watch, decision)
    if said is not None and said.spoken_with is not None and kind is not EntryKind.CONTACTED:
        await require_guardian(tx, decision, said.spoken_with)
    entry = Entry(
        version=changed.version,
        kind=kind,
        happened_on=tx.today if said is None else said.on,
        channel=None if said is None else said.channel,
        spoken_with=None if said is None else said.spoken_with,
        next_on=next_on,
        noted_at=tx.now,
        noted_by=tx.principal.subject,
    )
    await store.set_watch(tx, ref, changed, entry)
    tx.audit(_ACTS[kind], f"follow-up:{ref}", version=changed.version)
    return changed
