"""Price annexes (hintaliite): what one period of a course costs Kela, by the day on which it begins (R-BIL-2).

Kela fixes the prices (P4). The sources say nothing of their unit, so an annex says it for every delivery
mode: a period, or a day of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from contracts.values import DeliveryMode


class Unit(StrEnum):
    """What a price is for."""

    PERIOD = "period"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class ServicePeriod:
    """A period of a course; its first day is the service date that contract and prices are looked up by."""

    number: int
    mode: DeliveryMode
    first_day: date
    last_day: date

    @property
    def days(self) -> int:
        """Calendar days, both ends included."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True, slots=True)
class Price:
    """Euros, two decimals, for one unit of a delivery mode."""

    mode: DeliveryMode
    unit: Unit
    amount: Decimal

    def quantity_of(self, period: ServicePeriod) -> int:
        """How many units the period has."""
        return period.days if self.unit is Unit.DAY else 1


@dataclass(frozen=True, slots=True)
class PriceAnnex:
    """One version of a contract's price annex; both days inclusive, None is open."""

    contract_id: str
    service: str
    annex_version: int
    valid_from: date
    valid_to: date | None
    prices: tuple[Price, ...]

    def price_of(self, period: ServicePeriod) -> Price | None:
        """The price for the period's delivery mode, None where the annex has none."""
        return next((price for price in self.prices if price.mode is period.mode), None)


def annex_in_force(annexes: Sequence[PriceAnnex], day: date) -> PriceAnnex | None:
    """Of the versions valid on the day the newest one, None where there is none."""
    valid = [each for each in annexes if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)]
    return max(valid, key=lambda each: each.annex_version, default=None)
