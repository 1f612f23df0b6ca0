"""Finland's municipalities of 2026, their areas and centres, and where the dissolved ones went (section 9, E-48).

Reference data that every service may read, from `data/`; `ATTRIBUTION` is shown wherever they are used.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.refusals import Invalid

ATTRIBUTION = (
    "Municipality data: Statistics Finland, classifications 2026 (CC BY 4.0), via geofi (BSD-2-Clause); "
    "municipal centres: National Land Survey of Finland, Topographic Database 4/2025 (CC BY 4.0)."
)
"""Their licences ask for it."""

_DATA = Path(__file__).parent / "data"
_EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class Municipality:
    """A municipality of today.

    Its code is three digits, that of its area (the wellbeing services county, hyvinvointialue) two; its
    centre is in degrees (WGS 84). `aliases` are other names it is found by, those of dissolved ones too.
    """

    code: str
    name_fi: str
    name_sv: str
    name_en: str
    region_code: str
    area: str
    latitude: float
    longitude: float
    aliases: tuple[str, ...] = ()


@cache
def municipalities() -> Mapping[str, Municipality]:
    """The municipalities of today by their codes."""
    gone: dict[str, list[str]] = {}
    for row in _rows("dissolved.csv"):
        gone.setdefault(row["merged_into"], []).append(row["name"])
    return {
        row["code"]: Municipality(
            code=row["code"],
            name_fi=row["name_fi"],
            name_sv=row["name_sv"],
            name_en=row["name_en"],
            region_code=row["region_code"],
            area=row["wellbeing_county_code"],
            latitude=float(row["lat"]),
            longitude=float(row["lon"]),
            aliases=(*filter(None, row["aliases"].split(";")), *gone.get(row["code"], ())),
        )
        for row in _rows("municipalities.csv")
    }


@cache
def successors() -> Mapping[str, str]:
    """The codes of dissolved municipalities, each with that of the municipality it merged into."""
    return {row["code"]: row["merged_into"] for row in _rows("dissolved.csv")}


@cache
def areas() -> Mapping[str, dict[str, str]]:
    """Every area's code with its names by language; there are none in English, so the Finnish one stands."""
    return {
        row["wellbeing_county_code"]: {
            "fi": row["wellbeing_county_fi"],
            "sv": row["wellbeing_county_sv"],
            "en": row["wellbeing_county_fi"],
        }
        for row in _rows("municipalities.csv")
    }


def current_code(code: str) -> str:
    """The code of today: a dissolved municipality's is its successor's, any other stays (588 is 507, E-48)."""
    return successors().get(code, code)


def find_municipality(code: str) -> Municipality | None:
    """The municipality of a code, of a dissolved one its successor; None where there is none."""
    return municipalities().get(current_code(code))


def get_municipality(code: str) -> Municipality:
    """As `find_municipality`.

    Raises:
        Invalid: MUNICIPALITY_UNKNOWN; what was asked for is not repeated.
    """
    found = find_municipality(code)
    if found is None:
        raise Invalid("MUNICIPALITY_UNKNOWN")
    return found


def distance_km(a: Municipality, b: Municipality) -> float:
    """Great-circle distance of two municipal centres in kilometres, one decimal (haversine)."""
    north_a, north_b = math.radians(a.latitude), math.radians(b.latitude)
    half_north = (north_b - north_a) / 2
    half_east = math.radians(b.longitude - a.longitude) / 2
    chord = math.sin(half_north) ** 2 + math.cos(north_a) * math.cos(north_b) * math.sin(half_east) ** 2
    return round(2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord))), 1)


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
