"""Municipalities found by what clients write: a code, or a name in any of three languages."""

from functools import cache

from contracts.municipalities import Municipality, find_municipality, municipalities
from contracts.refusals import Invalid
from services.search import domain
from services.search.domain import Near


class MunicipalityRegister:
    """The municipalities of today, found by code or name, today's or a dissolved one's."""

    def __init__(self) -> None:
        self._by_code = municipalities()
        self._by_name = {name: m for m in self._by_code.values() for name in domain.searchable(m)}
        self._nearest: dict[str, tuple[Near, ...]] = {}

    def __len__(self) -> int:
        return len(self._by_code)

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> Municipality:
        return self._by_code[code]

    def get_by_code_or_name(self, text: str) -> Municipality:
        """The municipality a client means.

        Raises:
            Invalid: MUNICIPALITY_UNKNOWN; what was asked for is not repeated.
        """
        found = find_municipality(text) or self._by_name.get(domain.fold(text))
        if found is None:
            raise Invalid("MUNICIPALITY_UNKNOWN")
        return found

    def find_by_prefix(self, text: str, limit: int) -> list[Municipality]:
        """Municipalities for a text as it is being typed: part of a name, or a code."""
        if found := find_municipality(text):
            return [found]
        return domain.find_by_prefix(self._by_code.values(), text, limit)

    def nearest_first(self, origin: Municipality) -> tuple[Near, ...]:
        """All municipalities in the order of their distance from `origin`, itself first."""
        if origin.code not in self._nearest:
            self._nearest[origin.code] = domain.nearest_first(origin, self._by_code.values())
        return self._nearest[origin.code]


@cache
def municipality_register() -> MunicipalityRegister:
    """The register of today."""
    return MunicipalityRegister()
