"""The demo's result at the terminal: the system's months beside the source's, a chart, counts, differences."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rekku.demo.billing import BILLED, HalfYearPaid
from rekku.demo.comparison import CONSISTENCY, Check, Measured
from rekku.demo.plan import Plan
from rekku.demo.providers import PROVIDER_OF, PROVIDERS
from rekku.demo.reference import NEW_CLIENTS, percent

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COLOURS = {2022: "cyan", 2023: "magenta", 2024: "green"}
_BAR_WIDTH = 60
_TABLED = ("new clients", "average of", "persons paid for", "periods paid", "costs")
"""How the names of the figures begin that have tables of their own."""


def show(console: Console, measured: Measured, plan: Plan, checks: Sequence[Check]) -> None:
    """Print everything; differences last, so that they are what is seen."""
    console.print(_months(measured))
    console.print(_chart(measured))
    console.print(_figures(checks))
    console.print(_half_years(measured, plan))
    forms = ", ".join(f"{PROVIDER_OF[contract].name} as {form}" for contract, form in BILLED.items())
    console.print(f"Settlements: {measured.settlements} accepted, {measured.settled:,} € ({forms}; a demo price).")
    console.print(f"One was refused as a whole: {', '.join(measured.faults)}.")
    console.print(_start_sizes(measured))
    console.print(_offices(measured))
    if measured.messages:
        sent = ", ".join(f"{template} {count}" for template, count in sorted(measured.messages.items()))
        console.print(f"Messages: {sent}")
    _verdict(console, checks)


def _months(measured: Measured) -> Table:
    """T3: each month of the source beside what the decisions service counted."""
    table = Table(title="New clients of the heart course (T3), source | system", title_justify="left")
    table.add_column("")
    for year in NEW_CLIENTS:
        table.add_column(str(year.year), justify="right")
    for month, name in enumerate(MONTHS):
        cells = []
        for year in NEW_CLIENTS:
            months = measured.new_clients.get(year.year, ())
            found = months[month] if month < len(months) else None
            wanted = year.new_clients[month] if month < year.months else None
            cells.append(_pair(wanted, found if wanted is not None or found else None))
        table.add_row(name, *cells)
    table.add_section()
    table.add_row("sum", *(_pair(y.stated_total, sum(measured.new_clients.get(y.year, ()))) for y in NEW_CLIENTS))
    table.add_row("estimate", *(_pair(y.estimate, measured.estimates.get(y.year)) for y in NEW_CLIENTS))
    table.add_row(
        "use of it, %",
        *(
            _pair(y.use_of_estimate, percent(sum(measured.new_clients.get(y.year, ())), measured.estimates[y.year]))
            if y.complete and measured.estimates.get(y.year)
            else Text("–", justify="right")
            for y in NEW_CLIENTS
        ),
    )
    return table


def _pair(wanted: object, found: object) -> Text:
    if wanted is None and found is None:
        return Text("–")
    return Text(f"{wanted} | {found}", style="" if wanted == found else "bold red")


def _chart(measured: Measured) -> Table:
    """One bar per month of the system; a mark where the source's figure is."""
    most = max((count for months in measured.new_clients.values() for count in months), default=1) or 1
    chart = Table(box=None, show_header=False, title="New clients by month", title_justify="left", padding=(0, 1))
    for year in NEW_CLIENTS:
        for month, wanted in enumerate(year.new_clients):
            months = measured.new_clients.get(year.year, ())
            found = months[month] if month < len(months) else 0
            bar = Text("█" * round(found / most * _BAR_WIDTH), style=_COLOURS.get(year.year, ""))
            if found != wanted:
                bar.append(f" source: {wanted}", style="bold red")
            chart.add_row(f"{year.year}-{month + 1:02}", str(found), bar)
    return chart


def _figures(checks: Sequence[Check]) -> Table:
    """Every checked figure but those that have tables of their own."""
    table = Table("figure", "system", "expected", "by", title="Counts", title_justify="left")
    for check in checks:
        if check.name.startswith(_TABLED) or check.expected_by == CONSISTENCY:
            continue
        table.add_row(check.name, str(check.measured), str(check.expected), check.expected_by, style=_style(check))
    return table


def _half_years(measured: Measured, plan: Plan) -> Table:
    """Persons paid for and costs by half-year; the source has them as a chart without numbers (R-BIL-10)."""
    title = "Paid for, by half-year, plan | system"
    table = Table("half-year", "persons", "periods", "€", title=title, title_justify="left")
    nothing = HalfYearPaid(0, 0, None)
    for half, found in measured.half_years.items():
        wanted = plan.half_years.get(half, nothing)
        table.add_row(
            half,
            _pair(wanted.persons, found.persons),
            _pair(wanted.periods, found.periods),
            _pair(wanted.cost, found.cost),
        )
    return table


def _start_sizes(measured: Measured) -> Table:
    """With how many clients courses began (R-CRS-51)."""
    table = Table("clients", "courses", title="Group sizes at the start", title_justify="left")
    for clients, courses in measured.start_sizes.items():
        table.add_row(str(clients), str(courses))
    return table


def _style(check: Check) -> str:
    return "" if check.holds else "bold red"


def _offices(measured: Measured) -> Table:
    """What the search shows of each office's feedback: 5 is best (E-27)."""
    table = Table("office", "average", "answers", title="Feedback in the search", title_justify="left")
    for provider in PROVIDERS:
        shown = measured.feedback.get(provider.key)
        average, answers = (str(shown.average), str(shown.answers)) if shown else ("too few answers", "–")
        table.add_row(provider.name, average, answers)
    return table


def _verdict(console: Console, checks: Sequence[Check]) -> None:
    wrong = [check for check in checks if not check.holds]
    if not wrong:
        console.print(f"[bold green]All {len(checks)} figures agree.[/]")
        return
    console.print(f"[bold red]{len(wrong)} of {len(checks)} figures differ:[/]")
    for check in wrong:
        if check.expected_by == CONSISTENCY:
            console.print(f"  {check.name}", soft_wrap=True)
        else:
            said = f"the system says {check.measured}, expected {check.expected} ({check.expected_by})"
            console.print(f"  {check.name}: {said}", soft_wrap=True)
