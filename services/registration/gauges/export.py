"""Gauges as a table: one line per contract and year, its header in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence

from chassis.tables import Cell, TableFormat, write_table
from chassis.texts import Texts
from services.registration.gauges.store import ContractYear

MOST_ROWS = 20_000
"""An export is made whole in memory; whoever has more asks for a year or a service at a time."""

_COLUMNS = (
    "provider-id",
    "provider",
    "contract",
    "service-code",
    "service",
    "language",
    "year",
    "announced",
    "state",
    "decisions-used",
    "decisions-left",
    "decisions-overdrawn",
    "places-used",
    "places-left",
    "places-overdrawn",
)


def export_gauges(
    kind: TableFormat,
    found: Sequence[ContractYear],
    *,
    service_names: Mapping[str, str],
    texts: Texts,
    language: str,
) -> bytes:
    """The file, with names of columns and states in `language` (fi, sv or en)."""
    header = [texts.text(language, f"column-{name}") for name in _COLUMNS]
    title = texts.text(language, "gauges-title")
    return write_table(kind, title, header, _rows(found, service_names, texts, language))


def _rows(
    found: Sequence[ContractYear], service_names: Mapping[str, str], texts: Texts, language: str
) -> Iterator[tuple[Cell, ...]]:
    for each in found:
        gauge = each.gauge
        yield (
            each.provider_id,
            each.provider_name,
            each.contract_id,
            each.service,
            service_names.get(each.service),
            each.language.value,
            gauge.year,
            gauge.announced,
            None if gauge.state is None else texts.text(language, f"count-{gauge.state.value}"),
            gauge.decisions_used,
            gauge.decisions_left,
            gauge.decisions_overdrawn,
            gauge.places_used,
            gauge.places_left,
            gauge.places_overdrawn,
        )
