"""Reading the figures: from the records to what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from chassis.texts import Texts
from chassis.vault import Vault
from contracts.keys import Purpose
from contracts.registration import LocalisedText
from services.decisions.eligibility import open_eligibility
from services.decisions.quotas.handlers import get_quota
from services.decisions.quotas.store import check_service
from services.decisions.statistics import domain, store, views
from services.decisions.statistics.reported import find_tables

HALF_YEARS_SHOWN = 3
"""Years of half-years: as many as the source shows (R-BIL-10)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One service and year, and the texts that say what is counted."""

    service: str
    year: int
    texts: Texts


async def get_new_clients(tx: Transaction, asked: Asked) -> views.NewClients:
    """New clients by month with the forecasts of the year (R-STA-1, E-8, E-56).

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    quota = await get_quota(tx, asked.service, asked.year)
    years = await store.count_new_clients(tx, asked.service, asked.year)
    months = years.pop(asked.year)
    complete = domain.complete_months(asked.year, tx.today)
    found = domain.forecasts(months, complete, years)
    totals = [forecast.total for forecast in found]
    common = await _common(tx, asked, "new-clients", "new-clients", "estimate", "forecast")
    return views.NewClients.model_validate(
        dict(common)
        | {
            "months": months,
            "total": sum(months),
            "estimate": quota.estimate,
            "complete_months": complete,
            "forecast_low": min(totals, default=None),
            "forecast_high": max(totals, default=None),
            "forecasts": [
                views.ForecastView(
                    method=forecast.method,
                    basis_year=forecast.basis_year,
                    total=forecast.total,
                    exceeds_estimate=None if quota.estimate is None else forecast.total > quota.estimate,
                )
                for forecast in found
            ],
            "earlier": [views.YearOfClients(year=year, months=counts) for year, counts in years.items()],
        }
    )


async def get_decisions(tx: Transaction, asked: Asked) -> views.Decisions:
    """Decisions by month, kind and language (R-STA-1).

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await check_service(tx, asked.service)
    found = await store.count_decisions(tx, asked.service, asked.year)
    common = await _common(tx, asked, "decisions", "granted", "rejected", "service-language")
    return views.Decisions.model_validate(
        dict(common)
        | {
            "items": [
                views.MonthOfDecisions(
                    month=each.month, language=each.language, granted=each.granted, rejected=each.rejected
                )
                for each in found
            ],
            "granted": sum(each.granted for each in found),
            "rejected": sum(each.rejected for each in found),
        }
    )


async def get_half_years(tx: Transaction, asked: Asked) -> views.HalfYears:
    """Persons paid for by half-year (R-STA-1, R-BIL-10).

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await check_service(tx, asked.service)
    found = await store.count_paid(tx, asked.service, range(asked.year - HALF_YEARS_SHOWN + 1, asked.year + 1))
    common = await _common(tx, asked, "half-years", "persons", "paid-periods", "cost")
    items = [
        views.HalfYear(year=each.year, half=each.half, persons=each.persons, periods=each.periods, cost=each.cost)
        for each in found
    ]
    return views.HalfYears.model_validate(dict(common) | {"items": items})


async def get_group_sizes(tx: Transaction, asked: Asked) -> views.GroupSizes:
    """With how many clients the courses of a year began, and moves away from them (R-CRS-51).

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await check_service(tx, asked.service)
    begun = await store.find_courses_begun(tx, asked.service)
    stays = await store.find_stays(tx, asked.service)
    before, after = await store.count_moves(tx, asked.service, asked.year)
    sizes = domain.start_sizes(begun, stays, asked.year)
    common = await _common(tx, asked, "group-sizes", "start-size", "moves")
    return views.GroupSizes.model_validate(
        dict(common)
        | {
            "items": [views.GroupSize(clients=size, courses=courses) for size, courses in sorted(sizes.items())],
            "courses": sum(sizes.values()),
            "moved_before": before,
            "moved_after": after,
        }
    )


@dataclass(frozen=True, slots=True)
class SealedAges:
    """Who started and who took part in a year, each with a day, and their sealed data."""

    common: views.OfService
    started: Mapping[str, date]
    participated: Mapping[str, date]
    sealed: Mapping[str, str]


async def find_sealed_ages(tx: Transaction, asked: Asked) -> SealedAges:
    """What ages are counted from; opened after the transaction, by `count_ages`.

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    await check_service(tx, asked.service)
    stays = await store.find_stays(tx, asked.service)
    started = domain.started_in(stays, asked.year, tx.today)
    participated = domain.participated_in(stays, asked.year, tx.today)
    sealed = await store.find_sealed_eligibility(tx, {*started, *participated})
    common = await _common(tx, asked, "ages", "started-in", "participated-in", "age")
    return SealedAges(common, started, participated, sealed)


async def count_ages(found: SealedAges, vault: Vault) -> views.Ages:
    """The ages, aggregated: what belongs to one client is forgotten here (R-STA-2, E-63)."""
    await vault.fetch_keys(Purpose.ELIGIBILITY, found.sealed)
    births = {client: await open_eligibility(vault, client, sealed) for client, sealed in found.sealed.items()}

    def shown(days: Mapping[str, date]) -> tuple[list[int | None], int | None]:
        groups = [
            domain.age_group(births[client].birth_date, births[client].birth_year, day) if client in births else None
            for client, day in days.items()
        ]
        return domain.without_small([groups.count(group) for group in (*domain.AGE_GROUPS, None)])

    (started, all_started), (participated, all_participated) = shown(found.started), shown(found.participated)
    return views.Ages.model_validate(
        dict(found.common)
        | {
            "items": [
                views.AgeGroupView(
                    youngest=group.youngest, oldest=group.oldest, started=started[n], participated=participated[n]
                )
                for n, group in enumerate(domain.AGE_GROUPS)
            ],
            "age_unknown": started[-1],
            "age_unknown_participated": participated[-1],
            "started": all_started,
            "participated": all_participated,
        }
    )


async def get_contracts(tx: Transaction, texts: Texts) -> views.Contracts:
    """Contracts in force today, by service (R-STA-1)."""
    names = await store.find_names(tx)
    return views.Contracts(
        counted_on=tx.today,
        measures=[views.MeasureView.of(texts, code) for code in ("contracts", "swedish-contracts")],
        reported=await find_tables(tx, statistic="contracts"),
        items=[
            views.ServiceContracts(
                service=each.service,
                service_names=_name(names, each.service),
                contracts=each.contracts,
                swedish=each.swedish,
            )
            for each in await store.count_contracts(tx, tx.today)
        ],
    )


async def get_quotas(tx: Transaction, year: int, texts: Texts) -> views.Quotas:
    """Estimates and quotas of a year with their fill, for everybody (R-DEC-8, R-DEC-14)."""
    names = await store.find_names(tx)
    items = []
    for row in await store.find_quotas(tx, year):
        used = row["used"] if row["used"] == 0 or row["used"] >= domain.FEWEST_SHOWN else None
        items.append(
            views.ServiceQuota(
                service=row["service"],
                service_names=_name(names, row["service"]),
                estimate=row["estimate"],
                limit=row["quota_limit"],
                used=used,
                estimate_fill=_percent(used, row["estimate"]),
                limit_fill=_percent(used, row["quota_limit"]),
            )
        )
    measures = [views.MeasureView.of(texts, code) for code in ("new-clients", "estimate", "quota", "fill")]
    return views.Quotas(counted_on=tx.today, measures=measures, reported=[], year=year, items=items)


async def _common(tx: Transaction, asked: Asked, statistic: str, *measures: str) -> views.OfService:
    return views.OfService(
        counted_on=tx.today,
        service=asked.service,
        service_names=_name(await store.find_names(tx), asked.service),
        year=asked.year,
        measures=[views.MeasureView.of(asked.texts, code) for code in measures],
        reported=await find_tables(tx, statistic=statistic, service=asked.service),
    )


def _name(names: Mapping[str, Mapping[str, str]], service: str) -> LocalisedText | None:
    return LocalisedText(**names[service]) if service in names else None


def _percent(part: int | None, whole: int | None) -> float | None:
    tenths = None if part is None else domain.tenths_of_percent(part, whole)
    return None if tenths is None else tenths / 10
