"""Finland's municipalities of 2026 and where the dissolved ones went, read once from `data/`."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from contracts.refusals import Invalid
from services.search import domain
from services.search.domain import Municipality, Near

ATTRIBUTION = (
    "Municipality data: Statistics Finland, classifications 2026 (CC BY 4.0), via geofi (BSD-2-Clause); "
    "municipal centres: National Land Survey of Finland, Topographic Database 4/2025 (CC BY 4.0)."
)
"""To be shown wherever the data are used; their licences ask for it."""

_DATA = Path(__file__).parent / "data"


class MunicipalityRegister:
    """The municipalities of today, found by code or name, today's or a dissolved one's."""

    def __init__(self, municipalities: Mapping[str, Municipality], dissolved: Mapping[str, str]) -> None:
        self._by_code = dict(municipalities)
        self._dissolved = dict(dissolved)
        self._by_name = {name: m for m in self._by_code.values() for name in m.searchable}
        self._nearest: dict[str, tuple[Near, ...]] = {}

    def __len__(self) -> int:
        return len(self._by_code)

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> Municipality:
        return self._by_code[code]

    def current_code(self, code: str) -> str:
        """The code of today: a dissolved municipality's is its successor's, any other stays (588 is 507, E-48)."""
        return self._dissolved.get(code, code)

    def get_by_code_or_name(self, text: str) -> Municipality:
        """The municipality a client means.

        Raises:
            Invalid: MUNICIPALITY_UNKNOWN; what was asked for is not repeated.
        """
        wanted = text.strip()
        found = self._by_code.get(self.current_code(wanted)) or self._by_name.get(domain.fold(wanted))
        if found is None:
            raise Invalid("MUNICIPALITY_UNKNOWN")
        return found

    def find_by_prefix(self, text: str, limit: int) -> list[Municipality]:
        """Municipalities for a text as it is being typed: part of a name, or a code."""
        code = self.current_code(text.strip())
        if code in self._by_code:
            return [self._by_code[code]]
        return domain.find_by_prefix(self._by_code.values(), text, limit)

    def nearest_first(self, origin: Municipality) -> tuple[Near, ...]:
        """All municipalities in the order of their distance from `origin`, itself first."""
        if origin.code not in self._nearest:
            self._nearest[origin.code] = domain.nearest_first(origin, self._by_code.values())
        return self._nearest[origin.code]


@cache
def municipality_register() -> MunicipalityRegister:
    """The register, read on first use."""
    gone = _rows("dissolved.csv")
    names_of_gone: dict[str, list[str]] = {}
    for row in gone:
        names_of_gone.setdefault(row["merged_into"], []).append(row["name"])
    municipalities = {
        row["code"]: Municipality(
            code=row["code"],
            name_fi=row["name_fi"],
            name_sv=row["name_sv"],
            name_en=row["name_en"],
            region_code=row["region_code"],
            latitude=float(row["lat"]),
            longitude=float(row["lon"]),
            aliases=(*filter(None, row["aliases"].split(";")), *names_of_gone.get(row["code"], ())),
        )
        for row in _rows("municipalities.csv")
    }
    return MunicipalityRegister(municipalities, {row["code"]: row["merged_into"] for row in gone})


@cache
def area_names() -> Mapping[str, dict[str, str]]:
    """Every wellbeing services county's names by its code; there are none in English, so the Finnish one stands."""
    return {
        row["wellbeing_county_code"]: {
            "fi": row["wellbeing_county_fi"],
            "sv": row["wellbeing_county_sv"],
            "en": row["wellbeing_county_fi"],
        }
        for row in _rows("municipalities.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
