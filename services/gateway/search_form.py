"""The search form: what a visitor wrote, understood as far as it goes (R-SRCH-2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chassis import cleaning
from contracts.refusals import Invalid

_LONGEST = 60
_SERVICE = re.compile(r"[A-Z0-9_]{1,40}")


class Problem(StrEnum):
    """What can be wrong with one field of the search form; each has its own words in `texts/`."""

    MUNICIPALITY_MISSING = "error-municipality-missing"
    MUNICIPALITY_UNKNOWN = "error-municipality-unknown"
    MUNICIPALITY_SEVERAL = "error-municipality-several"
    AGE_MISSING = "error-age-missing"
    AGE_NOT_A_NUMBER = "error-age-not-a-number"
    AGE_NOT_WHOLE = "error-age-not-whole"
    AGE_OUT_OF_RANGE = "error-age-out-of-range"
    LANGUAGE_UNKNOWN = "error-language-unknown"
    SERVICE_UNKNOWN = "error-service-unknown"


_WRONG_AGE = {
    "AGE_INVALID": Problem.AGE_NOT_A_NUMBER,
    "AGE_NOT_WHOLE": Problem.AGE_NOT_WHOLE,
    "AGE_OUT_OF_RANGE": Problem.AGE_OUT_OF_RANGE,
}


@dataclass(frozen=True)
class SearchForm:
    """The search form as it was filled in, and what is wrong with it, field by field."""

    municipality: str = ""
    age: str = ""
    language: str = "fi"
    service: str = ""
    asked: bool = False
    problems: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def years(self) -> int | None:
        """The age in whole years, or None where it is not usable."""
        return int(self.age) if self.asked and "age" not in self.problems else None


def read_search_form(query: Mapping[str, str], page_language: str) -> SearchForm:
    """Read the search form from a query string; a page opened without a question has no problems (R-SRCH-2).

    The service language follows the page's where the visitor has not chosen one.
    """
    asked = any(name in query for name in ("municipality", "age", "language", "service"))
    default = "sv" if page_language == "sv" else "fi"
    if not asked:
        return SearchForm(language=default)
    municipality = cleaning.plain(query.get("municipality", ""))[:_LONGEST]
    age = cleaning.plain(query.get("age", ""))[:_LONGEST]
    language = query.get("language", "").strip() or default
    service = query.get("service", "").strip()
    problems: dict[str, Problem] = {}
    if not municipality:
        problems["municipality"] = Problem.MUNICIPALITY_MISSING
    try:
        age = str(cleaning.age(age))
    except Invalid as refused:
        problems["age"] = _WRONG_AGE[refused.code] if age else Problem.AGE_MISSING
    if language not in ("fi", "sv"):
        language, problems["language"] = default, Problem.LANGUAGE_UNKNOWN
    if service and not _SERVICE.fullmatch(service):
        service, problems["service"] = "", Problem.SERVICE_UNKNOWN
    return SearchForm(municipality, age, language, service, asked=True, problems=problems)
