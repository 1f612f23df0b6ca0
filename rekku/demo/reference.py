"""The source's own figures, each with where it stands; the only place in the demo that knows them.

Table ids are those of the domain description: T1 decisions by language, T2 grants and rejections
of 2021, T3 new clients by month, T5 contracts per service.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

SERVICE = "CARDIAC_ADULT"


@dataclass(frozen=True)
class Year:
    """New clients of one year by month (T3), and Kela's estimate made the autumn before."""

    year: int
    new_clients: tuple[int, ...]
    stated_total: int
    estimate: int
    complete: bool = True

    @property
    def months(self) -> int:
        """How many months of the year the source covers."""
        return len(self.new_clients)

    @property
    def use_of_estimate(self) -> Decimal:
        """Percent of the estimate, one decimal, half up."""
        return percent(self.stated_total, self.estimate)


def percent(part: int, whole: int) -> Decimal:
    """`part` of `whole` in percent, one decimal, half up."""
    return (Decimal(100 * part) / whole).quantize(Decimal("0.1"), ROUND_HALF_UP)


NEW_CLIENTS = (
    Year(2022, (43, 56, 59, 48, 77, 61, 45, 79, 69, 63, 52, 56), 708, 810),
    Year(2023, (82, 96, 138, 55, 84, 103, 36, 73, 63, 57, 67, 60), 914, 780),
    Year(2024, (93, 77, 77, 89, 71, 76, 66, 79), 628, 930, complete=False),
)
"""T3: new clients of the adult heart course."""

USE_OF_ESTIMATE = {2022: Decimal("87.4"), 2023: Decimal("117.2")}
"""T3: use of the estimate, percent."""

FORECASTS_2024 = {"straight line": 942, "seasons of 2022": 950, "seasons of 2023": 861}
"""E-56: 628 new clients in 8 months, drawn on in a straight line and by the seasons of each earlier year."""

REMAINING_2024 = 302
"""E-52: what a quota of 930 leaves when 628 are used."""

GRANTED_2021, REJECTED_2021 = 435, 45
"""T2: March to December 2021, grants and rejections."""

CONTRACTS, SWEDISH_CONTRACTS = 11, 1
"""T5: contracts of the heart course."""

DECISIONS_2021_FI, DECISIONS_2021_SV = 389, 11
"""T1: decisions of 2021 by service language; the Swedish contract's share of the clients."""
