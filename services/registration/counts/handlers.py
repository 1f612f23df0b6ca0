"""Announcing, raising and correcting counts, and the default of 1 November: load, decide, save, emit.

A default holds from its instant on whether or not its timer has fired: a command that finds it due
writes it down first and is decided on what it leaves.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from chassis.auth import SYSTEM
from chassis.calendar import helsinki_date, start_of_day
from chassis.db import Transaction
from contracts.refusals import IfMatch, expect_version
from contracts.registration import AnnouncedCountChanged
from contracts.values import CountChange
from services.registration import domain as registration
from services.registration import store
from services.registration.acts import Act
from services.registration.counts import domain
from services.registration.counts import store as counts
from services.registration.counts.domain import Revision
from services.registration.domain import Contract
from services.registration.snapshots import contract_snapshot

PLAN_DEFAULTS = "plan-default-counts"
DEFAULT_COUNT = "default-count"

_ONE_INSTANT = timedelta(microseconds=1)


async def announce_count(
    tx: Transaction, contract_id: str, year: int, count: int, *, if_match: IfMatch | None
) -> Contract:
    """Announce a year's count of new clients, or raise it (R-REG-8, R-REG-9); the same count again changes nothing.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
        Refusal: YEAR_NOT_OPEN, CONTRACT_NOT_IN_FORCE, WINDOW_CLOSED or COUNT_ONLY_RAISED.
    """
    before = await store.lock_contract(tx, contract_id)
    expect_version(before.version, if_match)
    before = await with_due_default(tx, before, year)
    contract = registration.announce(before, year, count, on=tx.today)
    if contract is before:
        return before
    raised_from = before.counts.get(year)
    await counts.add_revision(tx, contract, year, CountChange.ANNOUNCED, raised_from=raised_from, effective_at=tx.now)
    tx.audit(Act.ANNOUNCE_COUNT, f"contract:{contract_id}", year=year, count=count, raised_from=raised_from)
    _tell(tx, contract, year, CountChange.ANNOUNCED)
    return contract


async def correct_count(
    tx: Transaction,
    contract_id: str,
    year: int,
    count: int,
    *,
    reason: str,
    effective_on: date | None,
    if_match: IfMatch | None,
) -> Contract:
    """Kela corrects a mistaken entry, from now or from an earlier day on; it may lower the count (E-3).

    A default that was taken from the mistaken entry stays, until it is corrected as well.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: the contract has another version.
        Refusal: COUNT_NOT_ANNOUNCED.
        Invalid: EFFECTIVE_OUT_OF_RANGE.
    """
    before = await store.lock_contract(tx, contract_id)
    expect_version(before.version, if_match)
    before = await with_due_default(tx, before, year)
    revisions = await counts.find_revisions(tx, contract_id, year)
    effective_at = _effective_at(tx, effective_on, revisions)
    contract = domain.correct(before, revisions, year, count, effective_at=effective_at)
    if contract is before:
        return before
    revision = await counts.add_revision(
        tx,
        contract,
        year,
        CountChange.CORRECTED,
        raised_from=before.counts[year],
        effective_at=effective_at,
        reason=reason,
    )
    tx.audit(
        Act.CORRECT_COUNT,
        f"contract:{contract_id}",
        year=year,
        count=count,
        corrected_from=before.counts[year],
        revision=revision,
        effective_at=effective_at.isoformat(),
    )
    _tell(tx, contract, year, CountChange.CORRECTED)
    return contract


async def plan_first_defaults(tx: Transaction) -> None:
    """At every start: make sure that the yearly timer is there; its key is the year of its 1 November.

    It plans itself from year to year. The first one is the default that fell due last, so that a
    service that was not there on 1 November makes up for it.
    """
    this_year = tx.today.year
    november = this_year if tx.now >= due_at(this_year + 1) else this_year - 1
    await counts.plan_first_default(tx, PLAN_DEFAULTS, str(november), due_at(november + 1))


async def plan_defaults(tx: Transaction, key: str, payload: Mapping[str, Any]) -> None:
    """1 November, 00:00 in Helsinki: a timer for each contract that goes on and has announced nothing (E-2)."""
    next_year = int(key) + 1
    await counts.plan_defaults(tx, DEFAULT_COUNT, next_year, due_at(next_year))
    await tx.schedule(PLAN_DEFAULTS, str(next_year), due_at(next_year + 1))


async def default_count(tx: Transaction, key: str, payload: Mapping[str, Any]) -> None:
    """One contract's default; whatever was announced in time, or written down already, stands."""
    contract = await store.lock_contract(tx, payload["contract_id"])
    await with_due_default(tx, contract, payload["year"])


def due_at(year: int) -> datetime:
    """When the year's default falls due: 1 November of the year before, 00:00 in Helsinki, in UTC."""
    return start_of_day(date(year - 1, *domain.DEFAULT_FALLS_DUE))


def as_of(year: int) -> datetime:
    """The last instant of 30 October of the year before, in Helsinki; in UTC."""
    return start_of_day(date(year - 1, *domain.DEFAULT_IS_OF) + timedelta(days=1)) - _ONE_INSTANT


async def with_due_default(tx: Transaction, contract: Contract, year: int) -> Contract:
    """The locked contract with the year's default written down, where it has fallen due and nothing stands there."""
    if year in contract.counts or not contract.in_force_during(year) or tx.now < due_at(year):
        return contract
    this_year = await counts.find_revisions(tx, contract.contract_id, year - 1)
    count = domain.default_from(this_year, as_of=as_of(year), due_at=due_at(year))
    if count is None:
        return contract
    contract = domain.with_default(contract, year, count)
    await counts.add_revision(tx, contract, year, CountChange.DEFAULTED, raised_from=None, effective_at=due_at(year))
    tx.audit(Act.DEFAULT_COUNT, f"contract:{contract.contract_id}", by=SYSTEM, year=year, count=count)
    _tell(tx, contract, year, CountChange.DEFAULTED)
    return contract


def _effective_at(tx: Transaction, effective_on: date | None, revisions: Sequence[Revision]) -> datetime:
    """The correction's instant: now, or the beginning of a day; on the day of the first entry, that entry's."""
    if effective_on is None or not revisions:
        return tx.now
    first = min(entry.effective_at for entry in revisions)
    domain.require_effective_day(effective_on, first=helsinki_date(first), today=tx.today)
    return max(start_of_day(effective_on), first)


def _tell(tx: Transaction, contract: Contract, year: int, change: CountChange) -> None:
    tx.emit(
        AnnouncedCountChanged(
            version=contract.version,
            contract=contract_snapshot(contract),
            year=year,
            count=contract.counts[year],
            change=change,
        )
    )
