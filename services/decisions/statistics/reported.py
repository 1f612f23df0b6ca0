"""Tables that were reported before this system counted: reference data with their sources (E-61).

Each file in `reported_tables/` is one table. None is computed, and nothing is computed from one; what disagrees
stays as it was reported. A table changes by a new edition.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.registration import LocalisedText
from services.decisions.acts import Act

FOLDER = Path(__file__).parent / "reported_tables"

Cell = LocalisedText | int | str | None
"""None where the source says nothing: not the same as zero."""


class Column(BaseModel):
    """One column of a reported table."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(examples=["granted"])]
    name: LocalisedText


class ReportedTable(BaseModel):
    """A table as it was reported: its source, its figures, and what has to be known to read them."""

    model_config = ConfigDict(extra="forbid")

    table: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$", examples=["T2"])]
    edition: Annotated[int, Field(ge=1, examples=[1])]
    statistic: Annotated[
        str | None, Field(description="Beside which of our figures it is shown", examples=["decisions"])
    ]
    service: str | None
    title: LocalisedText
    source: LocalisedText
    columns: list[Column]
    rows: Annotated[list[list[Cell]], Field(examples=[[["2021-03", 63, 4]]])]
    totals: Annotated[
        list[list[Cell]],
        Field(description="Rows that the source gives below the others", examples=[[["total", 99, 9]]]),
    ]
    notes: list[LocalisedText]

    @model_validator(mode="after")
    def _every_row_fits(self) -> "ReportedTable":
        if any(len(row) != len(self.columns) for row in (*self.rows, *self.totals)):
            raise ValueError("a row has more or fewer cells than there are columns")
        return self


def read_tables(folder: Path = FOLDER) -> list[ReportedTable]:
    """The tables of the data files.

    Raises:
        ValueError: a file is not a table.
    """
    return [ReportedTable.model_validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


async def load_tables(tx: Transaction, folder: Path = FOLDER) -> None:
    """Store the tables of the data files that are not stored yet; a newer edition wins (a rolling update)."""
    for table in read_tables(folder):
        stored = await tx.fetchval(
            "INSERT INTO reported_tables AS ours (table_id, edition, document) VALUES ($1, $2, $3)"
            " ON CONFLICT (table_id) DO UPDATE SET edition = excluded.edition, document = excluded.document"
            " WHERE ours.edition < excluded.edition RETURNING edition",
            table.table,
            table.edition,
            table.model_dump(mode="json"),
        )
        if stored is not None:
            tx.audit(Act.LOAD_REPORTED_TABLE, f"reported-table:{table.table}", version=stored)


async def find_tables(
    tx: Transaction, *, statistic: str | None = None, service: str | None = None
) -> list[ReportedTable]:
    """Every table, or those to be shown beside a statistic of a service; a table without service fits each."""
    rows = await tx.fetch(
        "SELECT document FROM reported_tables WHERE ($1::text IS NULL OR document ->> 'statistic' = $1)"
        " AND ($2::text IS NULL OR document ->> 'service' IS NULL OR document ->> 'service' = $2) ORDER BY table_id",
        statistic,
        service,
    )
    return [ReportedTable.model_validate(row["document"]) for row in rows]


async def get_table(tx: Transaction, table_id: str) -> ReportedTable:
    """One table.

    Raises:
        NotFound: REPORTED_TABLE_UNKNOWN.
    """
    document = await tx.fetchval("SELECT document FROM reported_tables WHERE table_id = $1", table_id)
    if document is None:
        raise NotFound("REPORTED_TABLE_UNKNOWN")
    return ReportedTable.model_validate(document)
