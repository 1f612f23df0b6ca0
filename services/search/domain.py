"""The rules of the search: which service fits a client, how places are named and ordered. Pure functions."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from contracts.municipalities import Municipality, distance_km
from contracts.values import CourseState, Coverage

OFFERED_STATES = (CourseState.PUBLISHED, CourseState.CONFIRMED)
"""A course is offered while published or confirmed and not yet begun."""

PUBLIC_STATES = (*OFFERED_STATES, CourseState.RUNNING, CourseState.COMPLETED)
"""A course can be looked up by its number from its publishing on; a deleted one no longer (E-36)."""

# Finnish order: å, ä, ö after z, in this order; their code points say ä, å, ö.
_FINNISH_ORDER = str.maketrans({"å": "{", "ä": "|", "ö": "}", "æ": "|", "ø": "}", "ü": "y"})


_GAPS = str.maketrans("-/,", "   ")


@dataclass(frozen=True)
class Near:
    """A municipality as seen from the one a client lives in."""

    code: str
    distance_km: float
    same_region: bool


@dataclass(frozen=True)
class AgeGroup:
    """Ages in whole years, both ends inclusive; None is open."""

    min_age: int | None = None
    max_age: int | None = None

    def holds(self, age: int) -> bool:
        """True where a client of `age` belongs to the group: 67 to "under 68", 68 to "68 and over" (E-46)."""
        return (self.min_age is None or self.min_age <= age) and (self.max_age is None or age <= self.max_age)


@dataclass(frozen=True)
class OfferedService:
    """What the search must know of a service description in force."""

    service: str
    coverage: Coverage
    languages: frozenset[str]
    ages: AgeGroup
    age_groups: tuple[AgeGroup, ...] = ()


def fold(text: str) -> str:
    """The form two spellings of one name share: no case, no dots or rings, one kind of gap (E-48)."""
    bare = _without_marks(unicodedata.normalize("NFKC", text).casefold())
    return " ".join(bare.translate(_GAPS).split())


def name_order(name: str) -> str:
    """A key that sorts by code point as a Finnish reader expects: a…z, å, ä, ö."""
    plain = unicodedata.normalize("NFC", name.casefold()).translate(_FINNISH_ORDER)
    return _without_marks(plain)


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@cache
def searchable(municipality: Municipality) -> Mapping[str, str]:
    """Every name a municipality is found by: folded, with the key it is listed in order by."""
    names = (municipality.name_fi, municipality.name_sv, municipality.name_en, *municipality.aliases)
    return {fold(name): name_order(name) for name in names}


def nearest_first(origin: Municipality, municipalities: Iterable[Municipality]) -> tuple[Near, ...]:
    """Every municipality seen from `origin`, itself first; equal distances by code, so the order is total."""
    seen = (Near(m.code, distance_km(origin, m), m.region_code == origin.region_code) for m in municipalities)
    return tuple(sorted(seen, key=lambda near: (near.code != origin.code, near.distance_km, near.code)))


def find_by_prefix(municipalities: Iterable[Municipality], text: str, limit: int) -> list[Municipality]:
    """Municipalities one of whose names begins with `text`, whole names first, then in Finnish order (E-48)."""
    wanted = fold(text)
    if not wanted:
        return []
    found: list[tuple[bool, str, str, Municipality]] = []
    for municipality in municipalities:
        names = searchable(municipality)
        keys = [key for name, key in names.items() if name.startswith(wanted)]
        if keys:
            found.append((wanted not in names, min(keys), municipality.code, municipality))
    found.sort(key=lambda match: match[:3])
    return [municipality for *_, municipality in found[:limit]]


def fits(service: OfferedService, *, age: int | None, language: str | None) -> bool:
    """Whether a service is for a client: its languages, its ages, one of its age groups if it has any (R-SRCH-2)."""
    if language is not None and language not in service.languages:
        return False
    if age is None:
        return True
    return service.ages.holds(age) and (not service.age_groups or any(group.holds(age) for group in service.age_groups))


def is_offered(state: CourseState, first_day: date, today: date) -> bool:
    """True while a client can still join: published or confirmed, and the first day is yet to come."""
    return state in OFFERED_STATES and first_day > today


def services_of(coverage: Coverage, services: Sequence[OfferedService]) -> list[str]:
    """The codes of the services with this coverage."""
    return [service.service for service in services if service.coverage is coverage]
