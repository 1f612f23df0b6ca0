"""Figures as tables in the reader's language, each with its charts: what is shown on pages and written to files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import singledispatch

from babel.dates import format_date
from babel.numbers import format_decimal

from chassis.tables import Cell
from chassis.texts import Texts
from contracts.registration import LocalisedText
from contracts.values import Language
from services.decisions.statistics import views
from services.decisions.statistics.charts import Chart, Series
from services.decisions.statistics.domain import MONTHS
from services.decisions.statistics.reported import Cell as ReportedCell
from services.decisions.statistics.reported import ReportedTable

_LOCALES = {"fi": "fi_FI", "sv": "sv_FI", "en": "en_GB"}
_MOST_EARLIER = 2
"""Earlier years in the chart of new clients; the table has all of them."""


@dataclass(frozen=True)
class Reader:
    """Texts in the reader's language."""

    texts: Texts
    language: str

    def __call__(self, message_id: str, **values: object) -> str:
        """A text, its variables filled in."""
        return self.texts.text(self.language, message_id, values)

    def name(self, names: LocalisedText | None, code: str) -> str:
        """A name, or its code where there is none."""
        return code if names is None else str(getattr(names, self.language))

    def day(self, day: date) -> str:
        """A date as the language writes it: `1.9.2024`, in English `1 September 2024`."""
        return format_date(day, "d MMMM y" if self.language == "en" else "d.M.y", _LOCALES[self.language])

    def shown(self, cell: Cell) -> Cell:
        """A cell as a page shows it: amounts as the language writes them, a dash where there is nothing."""
        if isinstance(cell, Decimal):
            return format_decimal(cell, "#,##0.00", _LOCALES[self.language])
        return "–" if cell is None else cell


@dataclass(frozen=True)
class Sheet:
    """One table; the first cell of a row says what the row is about."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    totals: list[tuple[Cell, ...]] = field(default_factory=list)
    measures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source: str | None = None
    charts: tuple[Chart, ...] = ()

    def lines(self, measures_title: str, source_title: str) -> list[tuple[Cell, ...]]:
        """Everything below the header, as a file has it: what was counted is said under the figures (E-61).

        Words stand in the first column alone, so that they do not widen those of the figures.
        """
        said = [] if self.source is None else [f"{source_title}: {self.source}"]
        said += self.notes
        if self.measures:
            said += ["", measures_title, *(f"{name}: {definition}" for name, definition in self.measures)]
        return [*self.rows, *self.totals, (), *((text,) for text in said)]


@singledispatch
def sheet_of(statistic: views.Statistic, say: Reader) -> Sheet:
    """The statistic as a table."""
    raise TypeError(f"no table for {type(statistic).__name__}")


def sheet_of_reported(table: ReportedTable, say: Reader) -> Sheet:
    """A reported table, its source said with it (E-61)."""
    title = f"{table.table}. {say.name(table.title, '')}"
    columns = tuple(say.name(column.name, "") for column in table.columns)
    rows = [tuple(_reported_cell(cell, say) for cell in row) for row in table.rows]
    figures = [
        Series(name, tuple(value if isinstance(value, int) else None for value in values))
        for name, *values in zip(columns, *rows, strict=True)
    ][1:]
    return Sheet(
        name=f"reported-{table.table}",
        title=title,
        columns=columns,
        rows=rows,
        totals=[tuple(_reported_cell(cell, say) for cell in row) for row in table.totals],
        notes=[say.name(note, "") for note in table.notes],
        source=say.name(table.source, ""),
        charts=_charts(say, title, [str(row[0]) for row in rows], figures) if table.statistic else (),
    )


@sheet_of.register
def _new_clients(found: views.NewClients, say: Reader) -> Sheet:
    years = {year.year: year.months for year in found.earlier} | {found.year: found.months}
    title = _title(found, "new-clients", say)
    series = [
        Series(str(year), tuple(_so_far(found, year, months)))
        for year, months in list(years.items())[-_MOST_EARLIER - 1 :]
    ]
    totals: list[tuple[Cell, ...]] = [
        (say("row-total"), *(sum(months) for months in years.values())),
        (say("measure-estimate"), *(None for _ in found.earlier), found.estimate),
    ]
    over = found.complete_months == len(MONTHS)
    for forecast in () if over else found.forecasts:
        way = say(f"row-forecast-{forecast.method.value.replace('_', '-')}", year=forecast.basis_year or "")
        totals.append((way, *(None for _ in found.earlier), forecast.total))
    notes = []
    if found.forecasts and not over:
        notes.append(
            say("forecast-range", months=found.complete_months, low=found.forecast_low, high=found.forecast_high)
        )
    return _own(
        found,
        "new-clients",
        say,
        title=title,
        columns=(say("column-month"), *(str(year) for year in years)),
        rows=[(month, *(_so_far(found, y, months)[month - 1] for y, months in years.items())) for month in MONTHS],
        totals=totals,
        notes=notes,
        charts=(
            *_charts(say, title, [str(month) for month in MONTHS], series),
            *_against_the_estimate(found, say, title, totals),
        ),
    )


def _against_the_estimate(
    found: views.NewClients, say: Reader, title: str, totals: Sequence[tuple[Cell, ...]]
) -> tuple[Chart, ...]:
    """The year so far beside Kela's estimate and every forecast; none where there is neither (E-56)."""
    [year] = _series([str(found.year)], [(label, figures[-1]) for label, *figures in totals])
    if not any(year.values[1:]):
        return ()
    return _charts(
        say, f"{title}. {say('measure-estimate')}, {say('measure-forecast')}", [str(row[0]) for row in totals], [year]
    )


def _so_far(found: views.NewClients, year: int, months: Sequence[int]) -> list[int | None]:
    """The months; none yet for those that have not begun."""
    return [count if _begun(found, year, month) else None for month, count in zip(MONTHS, months, strict=True)]


def _begun(found: views.Statistic, year: int, month: int) -> bool:
    return (year, month) <= (found.counted_on.year, found.counted_on.month)


@sheet_of.register
def _decisions(found: views.Decisions, say: Reader) -> Sheet:
    by_month = {(each.month, each.language): (each.granted, each.rejected) for each in found.items}
    rows: list[tuple[Cell, ...]] = [
        (
            month,
            *(
                count if _begun(found, found.year, month) else None
                for language in Language
                for count in by_month.get((month, language), (0, 0))
            ),
        )
        for month in MONTHS
    ]
    columns = tuple(
        f"{say(f'measure-{kind}')}, {say(f'language-{language}')}"
        for language in Language
        for kind in ("granted", "rejected")
    )
    title = _title(found, "decisions", say)
    return _own(
        found,
        "decisions",
        say,
        title=title,
        columns=(say("column-month"), *columns),
        rows=rows,
        totals=[(say("row-total"), *_sums(rows))],
        charts=_charts(say, title, [str(month) for month in MONTHS], _series(columns, rows)),
    )


@sheet_of.register
def _half_years(found: views.HalfYears, say: Reader) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{'1–6' if each.half == 1 else '7–12'}/{each.year}",
            *(
                (each.persons, each.periods, each.cost)
                if _begun(found, each.year, 1 if each.half == 1 else 7)
                else (None, None, None)
            ),
        )
        for each in found.items
    ]
    labels, columns = [str(row[0]) for row in rows], (say("measure-persons"), say("measure-paid-periods"))
    years = f"{min(each.year for each in found.items)}–{found.year}"
    title = _title(found, "half-years", say, years)
    thousands = say("column-cost-thousands")
    costs = Series(thousands, tuple(_thousands(each.cost) for each in found.items))
    return _own(
        found,
        "half-years",
        say,
        title=title,
        columns=(say("column-half-year"), *columns, say("measure-cost")),
        rows=rows,
        charts=(
            *_charts(say, title, labels, _series(columns, rows)),
            *(_charts(say, f"{title}. {thousands}", labels, [costs]) if any(costs.values) else ()),
        ),
    )


def _thousands(cost: Decimal | None) -> int | None:
    """Thousands of euros, half up; a bar has no length below nothing, where more was given back than paid."""
    return None if cost is None or cost < 0 else int((cost / 1000).quantize(Decimal(1), ROUND_HALF_UP))


@sheet_of.register
def _ages(found: views.Ages, say: Reader) -> Sheet:
    groups: list[tuple[str, int | None, int | None]] = [
        (
            f"{each.youngest}–{each.oldest}" if each.oldest is not None else say("age-from", youngest=each.youngest),
            each.started,
            each.participated,
        )
        for each in found.items
    ]
    groups.append((say("age-unknown"), found.age_unknown, found.age_unknown_participated))
    columns = (say("measure-started-in"), say("measure-participated-in"))

    def shown(count: int | None) -> Cell:
        return say("not-shown") if count is None else count

    title = _title(found, "ages", say)
    return _own(
        found,
        "ages",
        say,
        title=title,
        columns=(say("column-age"), *columns),
        rows=[(label, shown(started), shown(participated)) for label, started, participated in groups],
        totals=[(say("row-total"), shown(found.started), shown(found.participated))],
        notes=[say("too-few-note"), say("participants-twice-note")],
        charts=_charts(say, title, [label for label, *_ in groups], _series(columns, groups)),
    )


@sheet_of.register
def _group_sizes(found: views.GroupSizes, say: Reader) -> Sheet:
    rows: list[tuple[Cell, ...]] = [(each.clients, each.courses) for each in found.items]
    columns = (say("column-courses"),)
    title = _title(found, "group-sizes", say)
    return _own(
        found,
        "group-sizes",
        say,
        title=title,
        columns=(say("measure-start-size"), *columns),
        rows=rows,
        totals=[
            (say("row-courses"), found.courses),
            (say("row-moved-before"), found.moved_before),
            (say("row-moved-after"), found.moved_after),
        ],
        charts=_charts(say, title, [str(row[0]) for row in rows], _series(columns, rows)),
    )


@sheet_of.register
def _contracts(found: views.Contracts, say: Reader) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (say.name(each.service_names, each.service), each.contracts, each.swedish) for each in found.items
    ]
    columns = (say("measure-contracts"), say("measure-swedish-contracts"))
    title = say("contracts-title")
    return _own(
        found,
        "contracts",
        say,
        title=title,
        columns=(say("column-service"), *columns),
        rows=rows,
        totals=[(say("row-total"), *_sums(rows))] if rows else [],
        charts=_charts(say, title, [str(r[0]) for r in rows], _series(columns, rows)),
    )


@sheet_of.register
def _quotas(found: views.Quotas, say: Reader) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            say.name(each.service_names, each.service),
            each.estimate,
            each.limit,
            say("not-shown") if each.used is None else each.used,
            _percent(each.estimate_fill, say),
            _percent(each.limit_fill, say),
        )
        for each in found.items
    ]
    names = (say("measure-estimate"), say("measure-quota"), say("measure-new-clients"))
    title = f"{say('quotas-title')}, {found.year}"
    return _own(
        found,
        "quotas",
        say,
        title=title,
        columns=(say("column-service"), *names, say("column-estimate-fill"), say("column-quota-fill")),
        rows=rows,
        notes=[say("too-few-note")],
        charts=_charts(say, title, [str(r[0]) for r in rows], _series(names, rows)),
    )


def _own(
    found: views.Statistic,
    name: str,
    say: Reader,
    *,
    title: str,
    columns: tuple[str, ...],
    rows: list[tuple[Cell, ...]],
    charts: tuple[Chart, ...],
    totals: Sequence[tuple[Cell, ...]] = (),
    notes: Sequence[str] = (),
) -> Sheet:
    return Sheet(
        name,
        title,
        columns,
        rows,
        list(totals),
        measures=[(say.name(m.name, m.code), say.name(m.definition, m.code)) for m in found.measures],
        notes=list(notes),
        source=say("own-source", day=say.day(found.counted_on)),
        charts=charts,
    )


def _title(found: views.OfService, name: str, say: Reader, years: str = "") -> str:
    return f"{say(f'{name}-title')}: {say.name(found.service_names, found.service)}, {years or found.year}"


def _charts(say: Reader, title: str, labels: Sequence[str], series: Sequence[Series]) -> tuple[Chart, ...]:
    """One chart; none where there is nothing to draw."""
    if not labels:
        return ()
    names = ", ".join(each.name for each in series)
    highest = max((value for each in series for value in each.values if value is not None), default=0)
    description = say("chart-description", series=names, highest=highest)
    return (Chart(title, description, tuple(labels), tuple(series)),)


def _series(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Series]:
    """The columns behind the first one; what is not a number is not drawn."""
    return [
        Series(name, tuple(cell if isinstance(cell := row[column], int) else None for row in rows))
        for column, name in enumerate(names, 1)
    ]


def _sums(rows: Sequence[Sequence[Cell]]) -> list[int]:
    width = len(rows[0])
    return [sum(cell for row in rows if isinstance(cell := row[column], int)) for column in range(1, width)]


def _reported_cell(cell: ReportedCell, say: Reader) -> Cell:
    return say.name(cell, "") if isinstance(cell, LocalisedText) else cell


def _percent(value: float | None, say: Reader) -> Cell:
    return None if value is None else f"{value}".replace(".", say("decimal-sign")) + " %"
