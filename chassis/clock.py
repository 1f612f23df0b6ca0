"""The injected clock: real, or one simulated instant that all processes share.

The simulated clock is a single row, `rekku_clock.simulated`, read at the start of every
transaction; it drives business time only. Tokens, leases, backoff and telemetry stay on real time.
"""

from datetime import UTC, datetime
from enum import StrEnum

import asyncpg

CLOCK_CHANNEL = "rekku_clock"

CLOCK_DDL = """
CREATE SCHEMA IF NOT EXISTS rekku_clock;
CREATE TABLE IF NOT EXISTS rekku_clock.simulated (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    now timestamptz NOT NULL
);
GRANT USAGE ON SCHEMA rekku_clock TO PUBLIC;
GRANT SELECT ON rekku_clock.simulated TO PUBLIC;
"""


class ClockKind(StrEnum):
    """Which clock a process reads."""

    REAL = "real"
    SIMULATED = "simulated"


NOW_SQL = {
    ClockKind.REAL: "clock_timestamp()",
    ClockKind.SIMULATED: "(SELECT now FROM rekku_clock.simulated)",
}
"""The SQL expression of the current business instant."""


def utc_now() -> datetime:
    """Real time, for tokens, leases and telemetry."""
    return datetime.now(UTC)


async def set_simulated_now(connection: asyncpg.Connection, now: datetime) -> None:
    """Move the shared simulated clock (also backwards, which only tests should do) and wake all timers."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO rekku_clock.simulated (now) VALUES ($1)"
            " ON CONFLICT (only_row) DO UPDATE SET now = excluded.now",
            now,
        )
        await connection.execute("SELECT pg_notify($1, '')", CLOCK_CHANNEL)
