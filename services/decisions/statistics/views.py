"""Shapes of the figures. Each says in words what it counts, in three languages (E-61)."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from chassis.texts import LANGUAGES, Texts
from contracts.registration import LocalisedText
from contracts.values import Language
from services.decisions.statistics.domain import Method
from services.decisions.statistics.reported import ReportedTable


class MeasureView(BaseModel):
    """What is counted, in words."""

    code: Annotated[str, Field(examples=["new-clients"])]
    name: LocalisedText
    definition: LocalisedText

    @classmethod
    def of(cls, texts: Texts, code: str) -> "MeasureView":
        """The measure with its texts `measure-<code>` and `measure-<code>-means`."""
        return cls(
            code=code,
            name=in_all_languages(texts, f"measure-{code}"),
            definition=in_all_languages(texts, f"measure-{code}-means"),
        )


def in_all_languages(texts: Texts, message_id: str) -> LocalisedText:
    """A text in three languages."""
    return LocalisedText(**{language: texts.text(language, message_id) for language in LANGUAGES})


class Statistic(BaseModel):
    """What all figures have: the day they were counted, their measures, and what was reported by others."""

    counted_on: Annotated[date, Field(description="Helsinki date")]
    measures: list[MeasureView]
    reported: Annotated[
        list[ReportedTable],
        Field(description="Tables that were reported elsewhere, each with its source; never computed (E-61)"),
    ]


class OfService(Statistic):
    """Figures of one service and year."""

    service: str
    service_names: LocalisedText | None
    year: int


class ForecastView(BaseModel):
    """The year's total by one method (E-56)."""

    method: Method
    basis_year: Annotated[int | None, Field(description="The year whose seasons are gone by", examples=[2023])]
    total: Annotated[int, Field(examples=[861])]
    exceeds_estimate: Annotated[bool | None, Field(description="null: there is no estimate", examples=[False])]


class YearOfClients(BaseModel):
    """New clients of an earlier year by month."""

    year: int
    months: Annotated[list[int], Field(examples=[[82, 96, 138, 55, 84, 103, 36, 73, 63, 57, 67, 60]])]


class NewClients(OfService):
    """New clients of each month against the estimate (R-STA-1); each forecast says how it was made (E-56)."""

    months: Annotated[list[int], Field(examples=[[93, 77, 77, 89, 71, 76, 66, 79, 0, 0, 0, 0]])]
    total: Annotated[int, Field(examples=[628])]
    estimate: Annotated[int | None, Field(examples=[930])]
    complete_months: Annotated[int, Field(examples=[8])]
    forecast_low: Annotated[int | None, Field(description="The lowest of the forecasts", examples=[861])]
    forecast_high: Annotated[int | None, Field(description="The highest of the forecasts", examples=[950])]
    forecasts: list[ForecastView]
    earlier: Annotated[list[YearOfClients], Field(description="The whole earlier years on record")]


class MonthOfDecisions(BaseModel):
    """Decisions of one month and language."""

    month: Annotated[int, Field(examples=[3])]
    language: Language
    granted: Annotated[int, Field(examples=[63])]
    rejected: Annotated[int, Field(examples=[4])]


class Decisions(OfService):
    """Decisions by month, kind and service language (R-STA-1, R-DEC-21, R-DEC-22)."""

    items: list[MonthOfDecisions]
    granted: Annotated[int, Field(examples=[435])]
    rejected: Annotated[int, Field(examples=[45])]


class HalfYear(BaseModel):
    """One half of a year."""

    year: int
    half: Annotated[int, Field(ge=1, le=2, examples=[1])]
    persons: Annotated[int, Field(examples=[412])]
    periods: Annotated[int, Field(examples=[690])]
    cost: Annotated[Decimal | None, Field(description="Euros; null: not known", examples=["812345.50"])]


class HalfYears(OfService):
    """Persons paid for and costs by half-year: the year asked for and the two before it (R-BIL-10)."""

    items: list[HalfYear]


class AgeGroupView(BaseModel):
    """Clients of one age group; null where they are too few to show."""

    youngest: Annotated[int, Field(examples=[60])]
    oldest: Annotated[int | None, Field(examples=[69])]
    started: Annotated[int | None, Field(examples=[12])]
    participated: Annotated[int | None, Field(examples=[17])]


class Ages(OfService):
    """Ages by two ways of counting (R-STA-2, E-63); fewer than five clients are not shown."""

    items: list[AgeGroupView]
    age_unknown: Annotated[int | None, Field(description="Started in the year, age not known", examples=[0])]
    age_unknown_participated: Annotated[int | None, Field(examples=[0])]
    started: Annotated[int | None, Field(description="All of them", examples=[96])]
    participated: Annotated[int | None, Field(description="All of them", examples=[121])]


class ServiceContracts(BaseModel):
    """Contracts of one service."""

    service: str
    service_names: LocalisedText | None
    contracts: Annotated[int, Field(examples=[11])]
    swedish: Annotated[int, Field(examples=[1])]


class Contracts(Statistic):
    """Contracts in force today, by service (R-STA-1)."""

    items: list[ServiceContracts]


class GroupSize(BaseModel):
    """How many courses began with so many clients."""

    clients: Annotated[int, Field(examples=[7])]
    courses: Annotated[int, Field(examples=[3])]


class GroupSizes(OfService):
    """With how many clients courses began, and how many clients changed course (R-CRS-51)."""

    items: list[GroupSize]
    courses: Annotated[int, Field(examples=[31])]
    moved_before: Annotated[int, Field(description="Before attending anything", examples=[14])]
    moved_after: Annotated[int, Field(description="After attending a period", examples=[2])]


class ServiceQuota(BaseModel):
    """What Kela has published of one service's new clients, and how far it has been used."""

    service: str
    service_names: LocalisedText | None
    estimate: Annotated[int | None, Field(examples=[930])]
    limit: Annotated[int | None, Field(description="The quota; null: none in use", examples=[None])]
    used: Annotated[int | None, Field(description="null: fewer than five, not shown", examples=[628])]
    estimate_fill: Annotated[float | None, Field(description="Percent of the estimate", examples=[67.5])]
    limit_fill: Annotated[float | None, Field(description="Percent of the quota", examples=[None])]


class Quotas(Statistic):
    """Estimates and quotas of a year with their fill (R-DEC-8, R-DEC-14)."""

    year: int
    items: list[ServiceQuota]


class ReportedTables(BaseModel):
    """Every table that was reported elsewhere."""

    items: list[ReportedTable]
