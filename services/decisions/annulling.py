"""Annulling a decision that was issued in error: the only thing that gives its slots back (E-7)."""

from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from services.decisions import domain, store
from services.decisions.acts import Act
from services.decisions.domain import AnnulmentReason, Decision
from services.decisions.events import decision_event
from services.decisions.quotas import first_grants, release
from services.decisions.quotas import handlers as counters
from services.decisions.quotas import store as quotas


async def annul_decision(tx: Transaction, ref: str, reason: AnnulmentReason, *, if_match: IfMatch | None) -> Decision:
    """Annul a grant: its slot of the announced count is free again, and so is its slot of the quota.

    A client who has been granted again since then stays a new client, by the next grant (E-8). Those
    who wait for the room go first (E-54). The application can be decided anew.

    Raises:
        Refusal: ALREADY_ANNULLED or NOT_GRANTED.
        NotFound: DECISION_UNKNOWN.
        Stale: it changed meanwhile.
    """
    seen = await store.get_decision(tx, ref)
    _annulled(seen, reason, if_match)
    heir = await first_grants.find_heir(tx, seen)
    # From here on in the lock order; what was seen without a lock is looked at again.
    await release.plan(tx, seen.service)
    given_in, inherited_in = _year(seen), _year(heir) if heir else None
    count = (await quotas.lock_counts(tx, [seen.contract_id], given_in))[seen.contract_id]
    years = {tx.today.year, given_in} | ({inherited_in} if inherited_in else set())
    locked = {year: await quotas.lock_quota(tx, seen.service, year) for year in sorted(years)}
    await first_grants.lock(tx, seen)
    same_heir = await first_grants.find_heir(tx, seen) == heir
    rows = await store.lock_decisions(tx, [ref] if heir is None else [ref, heir.decision_ref])
    current = next(row for row in rows if row.decision_ref == ref)
    annulled = _annulled(current, reason, if_match)
    if not same_heir or current.new_client is not seen.new_client:
        raise store.RaceLost("the client's first grant is another one now")
    await counters.give_back(tx, count, locked, given_in if seen.new_client else None, inherited_in)
    await store.set_decision(tx, annulled)
    tx.audit(Act.ANNUL_DECISION, f"decision:{ref}", reason=reason)
    tx.emit(decision_event(annulled))
    if seen.new_client:
        await first_grants.hand_on(tx, annulled, heir)
    for row in rows:
        if row.decision_ref != ref:
            await _inherit(tx, row)
    if seen.new_client:
        for year in sorted({given_in, inherited_in or given_in}):
            if locked[year].scopes:
                await counters.recount_scopes(tx, await quotas.lock_quota(tx, seen.service, year))
    return annulled


def _annulled(decision: Decision, reason: AnnulmentReason, if_match: IfMatch | None) -> Decision:
    expect_version(decision.version, if_match)
    return domain.annul(decision, reason)


async def _inherit(tx: Transaction, heir: Decision) -> None:
    inheriting = domain.inherit_first_grant(heir)
    await store.set_decision(tx, inheriting)
    tx.audit(Act.INHERIT_FIRST_GRANT, f"decision:{heir.decision_ref}")
    tx.emit(decision_event(inheriting))


def _year(decision: Decision) -> int:
    if decision.decided_on is None:
        raise AssertionError("a grant without the day it was given")
    return decision.decided_on.year
