"""The rules of a count's history: what is in force when, the default of 1 November, Kela's corrections."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from contracts.refusals import Invalid, Refusal
from contracts.values import CountChange
from services.registration.domain import Contract

DEFAULT_FALLS_DUE = (11, 1)
"""Month and day on which next year's count becomes this year's where nothing was announced (E-2, P1)."""

DEFAULT_IS_OF = (10, 30)
"""Month and day at whose end this year's value is looked at; a raise on 31 October does not flow in (E-2)."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One entry in the history of a contract's count of one year.

    `count` holds from `effective_at` on and was known from `recorded_at` on; both are UTC, and
    nothing is entered for later. `reason` is Kela's, of a correction.
    """

    year: int
    revision: int
    count: int
    kind: CountChange
    effective_at: datetime
    recorded_at: datetime
    recorded_by: str
    reason: str | None = None


def in_force(revisions: Sequence[Revision], at: datetime, known_at: datetime | None = None) -> Revision | None:
    """The entry of one year that was in force at `at`, by what was known at `known_at` (None: by all entries).

    The last word wins from its `effective_at` on, so a correction made for an earlier instant covers
    what was entered in between. None where nothing was.
    """
    said = [
        entry for entry in revisions if entry.effective_at <= at and (known_at is None or entry.recorded_at <= known_at)
    ]
    return max(said, key=lambda entry: entry.revision, default=None)


def default_from(this_year: Sequence[Revision], *, as_of: datetime, due_at: datetime) -> int | None:
    """Next year's count where nothing was announced: this year's as it stood at `as_of` (E-2); None without one.

    Whenever it is asked, it answers alike: what was entered from `due_at` on is left out, so that a
    timer that fires late finds what it would have found in time. A default is known from the instant
    it holds from, however late it was written down.
    """
    in_time = [entry for entry in this_year if entry.kind is CountChange.DEFAULTED or entry.recorded_at < due_at]
    found = in_force(in_time, as_of)
    return None if found is None else found.count


def with_default(contract: Contract, year: int, count: int) -> Contract:
    """The contract with the year's count taken from the year before."""
    return replace(
        contract,
        counts={**contract.counts, year: count},
        defaulted=contract.defaulted | {year},
        version=contract.version + 1,
    )


def require_effective_day(wanted: date, *, first: date, today: date) -> None:
    """A correction holds from today, or from an earlier day on which there was an entry to correct.

    Raises:
        Invalid: EFFECTIVE_OUT_OF_RANGE, with the first and the last day that are possible.
    """
    if not first <= wanted <= today:
        raise Invalid("EFFECTIVE_OUT_OF_RANGE", earliest=first, latest=today)


def correct(
    contract: Contract, revisions: Sequence[Revision], year: int, count: int, *, effective_at: datetime
) -> Contract:
    """The contract with a mistaken entry corrected, perhaps to less (E-3); the same contract where it says so already.

    It takes nothing away from what is granted or reserved: a count below that shows as overdrawn.

    Raises:
        Refusal: COUNT_NOT_ANNOUNCED, there is no entry to correct.
    """
    if not revisions:
        raise Refusal("COUNT_NOT_ANNOUNCED", year=year)
    turns = {effective_at, *(entry.effective_at for entry in revisions if entry.effective_at > effective_at)}
    held = {found.count for found in (in_force(revisions, turn) for turn in turns) if found is not None}
    if held == {count}:
        return contract
    return replace(contract, counts={**contract.counts, year: count}, version=contract.version + 1)
