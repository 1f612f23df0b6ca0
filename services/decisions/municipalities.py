"""Where municipalities lie: their area (hyvinvointialue) and their distances, read once from `data/`.

Municipality data: Statistics Finland, classifications 2026 (CC BY 4.0), via geofi (BSD-2-Clause);
municipal centres: National Land Survey of Finland, Topographic Database 4/2025 (CC BY 4.0).
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.refusals import Invalid

_DATA = Path(__file__).parent / "data"
_EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality of today; `area` is the code of its wellbeing services county, two digits."""

    code: str
    area: str
    latitude: float
    longitude: float


def get_municipality(code: str) -> Municipality:
    """The municipality of a code, today's or a dissolved one's (E-48).

    Raises:
        Invalid: MUNICIPALITY_UNKNOWN; what was asked for is not repeated.
    """
    found = find_municipality(code)
    if found is None:
        raise Invalid("MUNICIPALITY_UNKNOWN")
    return found


def find_municipality(code: str) -> Municipality | None:
    """The municipality of a code, today's or a dissolved one's; None where there is none."""
    return _register().get(code)


@cache
def areas() -> Mapping[str, tuple[str, str]]:
    """Every area's code with its names in Finnish and Swedish."""
    return {row["code"]: (row["name_fi"], row["name_sv"]) for row in _rows("areas.csv")}


def distance_km(a: Municipality, b: Municipality) -> float:
    """Great-circle distance of two municipal centres in kilometres, one decimal (haversine)."""
    north_a, north_b = math.radians(a.latitude), math.radians(b.latitude)
    half_north = (north_b - north_a) / 2
    half_east = math.radians(b.longitude - a.longitude) / 2
    chord = math.sin(half_north) ** 2 + math.cos(north_a) * math.cos(north_b) * math.sin(half_east) ** 2
    return round(2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord))), 1)


@cache
def _register() -> Mapping[str, Municipality]:
    rows = _rows("municipalities.csv")
    today = {
        row["code"]: Municipality(row["code"], row["area"], float(row["lat"]), float(row["lon"]))
        for row in rows
        if not row["merged_into"]
    }
    return today | {row["code"]: today[row["merged_into"]] for row in rows if row["merged_into"]}


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
