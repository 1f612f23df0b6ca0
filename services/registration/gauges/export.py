"""Gauges as a table: one line per contract and year, its header in the reader's language."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from chassis.tables import Cell
from services.registration.gauges.store import ContractYear

COLUMNS = (
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


def rows_of(
    found: Sequence[ContractYear], service_names: Mapping[str, str], say: Callable[[str], str]
) -> Iterator[tuple[Cell, ...]]:
    """The lines; `say` gives a text in the reader's language."""
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
            None if gauge.state is None else say(f"count-{gauge.state.value}"),
            gauge.decisions_used,
            gauge.decisions_left,
            gauge.decisions_overdrawn,
            gauge.places_used,
            gauge.places_left,
            gauge.places_overdrawn,
        )
