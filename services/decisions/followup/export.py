"""Kela's work list as a table: one line per client, in the reader's language."""

from collections.abc import Callable, Iterator, Sequence

from chassis.tables import Cell
from services.decisions.followup.store import WorkItem

COLUMNS = (
    "decision",
    "client",
    "service-code",
    "provider-id",
    "contract",
    "language",
    "decided-on",
    "confirm-by",
    "due-on",
    "work-state",
    "pinned-to",
    "first-day",
    "contacted-on",
)


def work_rows(found: Sequence[WorkItem], say: Callable[[str], str]) -> Iterator[tuple[Cell, ...]]:
    """Items as they are now; `say` gives a text in the reader's language."""
    for item in found:
        yield (
            item.decision_ref,
            item.client_ref,
            item.service,
            item.provider_id,
            item.contract_id,
            item.language.value,
            item.decided_on,
            item.confirm_by,
            item.due_on,
            say(f"work-state-{item.state.replace('_', '-')}"),
            item.pinned_to,
            item.first_day,
            item.contacted_on,
        )
