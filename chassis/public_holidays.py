"""Finland's public holidays, with Midsummer Eve and Christmas Eve, in three languages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from holidays import country_holidays


@dataclass(frozen=True, slots=True)
class Holiday:
    """One public holiday and its names."""

    day: date
    fi: str
    sv: str
    en: str


def holidays_within(first_day: date, last_day: date) -> Iterator[Holiday]:
    """The public holidays from `first_day` to `last_day`, both inclusive, in order."""
    for year in range(first_day.year, last_day.year + 1):
        yield from (holiday for day, holiday in _of_year(year).items() if first_day <= day <= last_day)


@cache
def _of_year(year: int) -> Mapping[date, Holiday]:
    fi, sv, en = (country_holidays("FI", years=year, language=language) for language in ("fi", "sv_FI", "en_US"))
    return {day: Holiday(day, fi[day], sv[day], en[day]) for day in sorted(fi)}
