"""What befalls a few courses of each year besides being filled, confirmed and paid for; the seed says whose."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.values import Language
from rekku.demo.providers import PROVIDERS
from rekku.demo.reference import Year


class Fate(StrEnum):
    """What becomes of a course; each befalls one course a year."""

    CLIENTS_MOVE_BEFORE = "clients_move_before"
    CLIENTS_MOVE_AFTER = "clients_move_after"
    DELETED = "deleted"
    DELETED_LATE = "deleted_late"
    NOT_HELD = "not_held"
    CONFIRMED_LATE = "confirmed_late"
    HAS_TO_RUN = "has_to_run"
    GROWN = "grown"
    MOVES_TO_NEXT_YEAR = "moves_to_next_year"


ENDS_SOON = (Fate.DELETED, Fate.DELETED_LATE, Fate.NOT_HELD)
"""What befalls a course that too few clients have come to."""


@dataclass(frozen=True)
class Planned:
    """A fate, and when the contract's course it befalls is opened."""

    fate: Fate
    opened_from: date
    opened_until: date


def plan_fates(seed: int, years: Sequence[Year]) -> dict[str, list[Planned]]:
    """The fates of each contract's courses in order, at most one a year; none in the only Swedish contract.

    A course moves to the next year only in years that the source covers to their end.
    """
    rng = random.Random(f"{seed}/fates")  # noqa: S311 - a plan that can be repeated, not a secret
    contracts = [provider.key for provider in PROVIDERS if provider.language is Language.FI]
    planned: dict[str, list[Planned]] = {provider.key: [] for provider in PROVIDERS}
    for year in years:
        fates = [fate for fate in Fate if year.complete or fate is not Fate.MOVES_TO_NEXT_YEAR]
        for fate, contract in zip(fates, rng.sample(contracts, len(fates)), strict=True):
            planned[contract].append(_in_year(fate, year.year))
    return planned


def _in_year(fate: Fate, year: int) -> Planned:
    if fate is Fate.MOVES_TO_NEXT_YEAR:
        return Planned(fate, date(year, 9, 1), date(year, 12, 1))
    return Planned(fate, date(year, 1, 10), date(year, 12, 31))
