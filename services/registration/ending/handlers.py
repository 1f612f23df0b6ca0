"""Ending a contract: load, decide, save, emit."""

from datetime import date

from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from contracts.registration import ContractValidityChanged
from services.registration import store
from services.registration.acts import Act
from services.registration.counts.handlers import with_due_default
from services.registration.domain import Contract
from services.registration.ending import domain
from services.registration.ending import store as ends
from services.registration.snapshots import contract_snapshot


async def end_contract(
    tx: Transaction, contract_id: str, valid_to: date | None, *, reason: str, if_match: IfMatch | None
) -> Contract:
    """Set, move or lift the contract's last day (E-45); the same day again changes nothing.

    After it nothing new is announced here, decided in decisions or published in courses; what runs
    goes on. Every service with a copy of the contract is told.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
        Invalid: VALIDITY_INVERTED.
    """
    before = await store.lock_contract(tx, contract_id)
    expect_version(before.version, if_match)
    contract = domain.end(before, valid_to)
    if contract is before:
        return before
    await save_end(tx, before, contract, reason=reason)
    for year in (tx.today.year, tx.today.year + 1):
        # A contract that goes on after all has the defaults that fell due while it was to end.
        contract = await with_due_default(tx, contract, year)
    return contract


async def save_end(tx: Transaction, before: Contract, after: Contract, *, reason: str) -> None:
    """Store, audit and publish a locked contract's new last day."""
    revision = await ends.set_end(tx, after, before=before.valid_to, reason=reason)
    tx.audit(
        Act.END_CONTRACT,
        f"contract:{after.contract_id}",
        valid_to=_day(after.valid_to),
        valid_to_before=_day(before.valid_to),
        revision=revision,
    )
    tx.emit(ContractValidityChanged(version=after.version, contract=contract_snapshot(after)))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
