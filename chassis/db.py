"""PostgreSQL: one pool per process, and the transaction every handler works in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.acts import Act, Audited, Read
from chassis.auth import SYSTEM, Principal
from chassis.calendar import helsinki_date
from chassis.clock import NOW_SQL, ClockKind
from chassis.failpoints import armed, reach
from chassis.failures import backoff_s, cancelled_from_outside_only, raise_if_cancelled
from chassis.probe import Probe
from chassis.settled import Settled
from chassis.telemetry import current_trace_id, current_traceparent
from chassis.vault import Vault
from contracts.envelope import Envelope, Event, Header, encode, new_event_id

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = object
Result = TypeVar("Result")

CONNECTION_WITHIN_S = 5.0
"""How long a connection is waited for."""

BRIEFLY = "250ms"
"""How long a lock is waited for where others' work is in the transaction, or the same work comes again later."""

HURRIEDLY = "25ms"
"""As `BRIEFLY`, while others have met a lock: many may want the same one, and should not find that out one by one."""

_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_CONFLICT_ATTEMPTS = 5
_JSONB_VERSION = b"\x01"
_HAS_WRITTEN = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


def provider_role_of(service: str) -> str:
    """The role that requests of providers and of the public work in: it sees one provider's rows, or none."""
    return f"rekku_{service}_provider"


@dataclass(frozen=True)
class OutgoingRecord:
    """One outbox row in the making; without a value it removes its key from a compacted topic."""

    topic: str
    key: bytes
    headers: Sequence[Header]
    value: bytes | None


@dataclass(frozen=True)
class KeptAnswer:
    """A command's answer, stored under its Idempotency-Key when the command commits.

    `subject` is what a row of before has in the place of `principal`.
    """

    principal: str
    subject: str
    route: str
    key: str
    request_hash: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


class KeyTaken(asyncpg.SerializationError):
    """An Idempotency-Key was used by somebody else meanwhile; whoever runs again is answered alike."""


def unused_before(subject: str, route: str, key: str) -> str:
    """The SQL condition that no row of before has this Idempotency-Key.

    Those rows name a subject alone, so one may be anybody's with that subject. It answers nobody any more, and
    nobody's command is applied a second time because of that. The arguments are SQL expressions.
    """
    return (
        "NOT EXISTS (SELECT FROM idempotency AS before WHERE before.principal = "
        f"{subject} AND before.route = {route} AND before.idempotency_key = {key})"
    )


# One statement, because every round trip counts on the hot path. A data-modifying CTE runs whether
# or not it is read. A key is claimed already, and without a status, where a command runs on its own.
_FLUSH = f"""
WITH audited AS (
    INSERT INTO audit (at, actor, role, on_behalf_of, action, subject, detail, route, trace_id)
    SELECT * FROM unnest($1::act_row[])
), answered AS (
    INSERT INTO idempotency AS i (principal, route, idempotency_key, request_hash, status, headers, body)
    SELECT a.principal, a.route, a.key, a.request_hash, a.status, a.headers, a.body
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::integer[], $9::jsonb[], $10::bytea[])
        AS a (principal, subject, route, key, request_hash, status, headers, body)
    WHERE {unused_before("a.subject", "a.route", "a.key")}
    ON CONFLICT (principal, route, idempotency_key) DO UPDATE
    SET status = excluded.status, headers = excluded.headers, body = excluded.body WHERE i.status IS NULL
    RETURNING true
), said AS (
    INSERT INTO outbox (topic, key, header_names, header_values, value)
    SELECT topic, key, header_names, header_values, value
    FROM unnest($2::outbox_row[]) WITH ORDINALITY AS o (topic, key, header_names, header_values, value, place)
    ORDER BY place
)
SELECT count(*) FROM answered
"""  # noqa: S608 - of texts that stand here
_ANSWER_COLUMNS = ("principal", "subject", "route", "key", "request_hash", "status", "headers", "body")


@dataclass
class Transaction:
    """One database transaction with the power to read, write, emit and schedule.

    `now` is the injected clock's instant (UTC), read once at the start; `today` its Helsinki date.
    `cause` is the event being handled, where one is; `route` that of the request that is.
    """

    connection: Connection
    service: str
    now: datetime
    principal: Principal
    vault: Vault
    cause: Envelope[Event] | None = None
    route: str | None = None
    outgoing: list[OutgoingRecord] = field(default_factory=list)
    scheduled: bool = False
    answers: list[KeptAnswer] = field(default_factory=list)
    tables: dict[tuple[str, str], Settled] = field(default_factory=dict)
    audited: list[Audited] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The Helsinki business date (E-16)."""
        return helsinki_date(self.now)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows of a query."""
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row of a query, or None."""
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(sql, *args)

    async def fetchmany(self, sql: str, rows: Sequence[Sequence[object]]) -> list[asyncpg.Record]:
        """Run a statement once per row, in one round trip; what all of them return, in that order."""
        return await self.connection.fetchmany(sql, rows)

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement; the answer is PostgreSQL's command tag."""
        return await self.connection.execute(sql, *args)

    async def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement once per row, in one round trip."""
        await self.connection.executemany(sql, rows)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What fails inside is undone, emitted events and audit rows included, without losing the transaction."""
        emitted, audited = len(self.outgoing), len(self.audited)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self.outgoing[emitted:]
            del self.audited[audited:]
            raise

    def emit(self, event: Event) -> None:
        """Publish `event` if, and only if, this transaction commits.

        Call it after the aggregate's row lock is taken: then outbox order is commit order per key.
        """
        headers, value = encode(
            event,
            event_id=new_event_id(),
            source=f"/rekku/{self.service}",
            time=self.now,
            traceparent=current_traceparent(),
        )
        self.outgoing.append(OutgoingRecord(event.topic, event.key.encode(), headers, value))

    async def schedule(self, kind: str, key: str, due_at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Plan the timer (kind, key), replacing one that was planned before."""
        self.scheduled = True
        await self.execute(
            "INSERT INTO timers (kind, key, due_at, payload) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (kind, key) DO UPDATE"
            " SET due_at = excluded.due_at, payload = excluded.payload, attempts = 0, retry_at = NULL",
            kind,
            key,
            due_at,
            dict(payload or {}),
        )

    async def cancel(self, kind: str, key: str) -> None:
        """Drop a planned timer, if it is still there."""
        await self.execute("DELETE FROM timers WHERE kind = $1 AND key = $2", kind, key)

    def audit(self, act: Act | Read, subject: str, /, *, by: Principal | None = None, **detail: Any) -> None:
        """Leave a row that says who did what to which subject, `<kind>:<id>`; values only, never personal data.

        `by` is whoever did it where that is not the transaction's principal.
        """
        self.audited.append(Audited(by or self.principal, act, subject, detail, self.route, current_trace_id()))

    async def settled(self, table: str, column: str) -> int:
        """The number up to which every row of `table` is visible to later statements, or never will be.

        Args:
            column: an identity column.
        """
        return await self.tables.setdefault((table, column), Settled(table, column)).up_to(self)

    async def flush(self) -> None:
        """Write what was emitted, audited and answered; called once, right before the commit.

        Raises:
            KeyTaken: an answer's Idempotency-Key has another one.
        """
        if not (self.audited or self.outgoing or self.answers):
            return
        # Keys in one order everywhere: two transactions with the same ones wait for one another and do not deadlock.
        answers = sorted(self.answers, key=lambda answer: (answer.principal, answer.route, answer.key))
        kept = await self.fetchval(
            _FLUSH,
            [each.row(self.now) for each in self.audited],
            [
                (r.topic, r.key, [name for name, _ in r.headers], [value for _, value in r.headers], r.value)
                for r in self.outgoing
            ],
            *([getattr(answer, column) for answer in answers] for column in _ANSWER_COLUMNS),
        )
        if kept < len(answers):
            raise KeyTaken("an Idempotency-Key was used meanwhile")


async def prepare_connection(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Let jsonb columns take and give Python objects."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: _JSONB_VERSION + json.dumps(value).encode(),
        decoder=lambda raw: json.loads(raw[len(_JSONB_VERSION) :]),
        schema="pg_catalog",
        format="binary",
    )


async def _keep_session(_connection: object) -> None:
    """Nothing to reset: scope is local to a transaction, locks and listeners are undone by who took them."""


class Database:
    """A service's own schema, seen through its application role or, for providers, through their narrower one.

    `outbox_written` and `timers_planned` are set after the commit, so that the relay and the
    timers of this process need not wait for their next poll.
    """

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], service: str, clock: ClockKind, vault: Vault, probe: Probe
    ) -> None:
        self.pool = pool
        self._probe = probe
        self.service = service
        self.clock = clock
        self.vault = vault
        self.outbox_written = asyncio.Event()
        self.timers_planned = asyncio.Event()
        self.committed = asyncio.Event()
        self._tables: dict[tuple[str, str], Settled] = {}
        start = "SELECT set_config('rekku.scope', $1, true), set_config('role', $2, true)"
        self._begin = f"{start}, {NOW_SQL[clock]} AS now"
        self._begin_hurried = f"{self._begin}, set_config('lock_timeout', $3, true)"

    @classmethod
    async def connect(cls, url: str, service: str, clock: ClockKind, vault: Vault, *, size: int = 10) -> Database:
        """Open the pool; raises what asyncpg raises when PostgreSQL cannot be reached."""
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=prepare_connection,
            reset=_keep_session,
            command_timeout=30,
            server_settings={
                "application_name": f"rekku-{service}",
                "search_path": service,
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "60s",
                "timezone": "UTC",
            },
        )
        return cls(pool, service, clock, vault, Probe(url))

    async def close(self) -> None:
        """Close the pool, giving running work a moment."""
        self._probe.close()
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    async def answers(self) -> bool:
        """Whether PostgreSQL answers, on a connection of its own; False once the pool is closed."""
        return not self.pool.is_closing() and await self._probe.answers()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
        """A connection of the pool, waited for up to `CONNECTION_WITHIN_S`.

        Raises:
            TimeoutError: all are in use. It is a failure of the moment.
            CancelledWithin: what was done with it was cancelled, and its task was not.
        """
        try:
            with cancelled_from_outside_only():
                async with self.pool.acquire(timeout=CONNECTION_WITHIN_S) as connection:
                    try:
                        yield connection
                    except asyncpg.InternalClientError:
                        # Nobody knows what it would read next.
                        connection.terminate()
                        raise
        except Exception as error:
            raise_if_cancelled(error)
            raise

    @asynccontextmanager
    async def transaction(
        self,
        principal: Principal = SYSTEM,
        *,
        readonly: bool = False,
        lock_wait: str | None = None,
        cause: Envelope[Event] | None = None,
    ) -> AsyncIterator[Transaction]:
        """One transaction in the scope of `principal`; commits when the block ends without an error.

        A provider's, and the public's, works in a role whose policies know no wildcard (record 0033).
        `lock_wait` is how long it stands in line for a lock, as PostgreSQL writes it (`250ms`). None is the server's.
        """
        async with self.connection() as connection, connection.transaction(readonly=readonly):
            role = provider_role_of(self.service) if principal.narrow else "none"
            if lock_wait is None:
                started = await connection.fetchrow(self._begin, principal.scope, role)
            else:
                started = await connection.fetchrow(self._begin_hurried, principal.scope, role, lock_wait)
            now = started["now"] if started else None
            if now is None:
                raise ConnectionError("the simulated clock has not been set")
            tx = Transaction(connection, self.service, now, principal, self.vault, cause, tables=self._tables)
            yield tx
            await tx.flush()
            at_failpoint = armed() and await connection.fetchval(_HAS_WRITTEN)
            if at_failpoint:
                reach("commit.before")
        if at_failpoint:
            reach("commit.after")
        if tx.outgoing:
            self.outbox_written.set()
        if tx.scheduled:
            self.timers_planned.set()
        if not readonly:
            self.committed.set()

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[Result]],
        principal: Principal = SYSTEM,
        *,
        readonly: bool = False,
        lock_wait: str | None = None,
    ) -> Result:
        """Run `work` in a transaction; a bounded number of times again when it lost a race."""
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                async with self.transaction(principal, readonly=readonly, lock_wait=lock_wait) as tx:
                    return await work(tx)
            except _CONFLICTS:
                if attempt == _CONFLICT_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(backoff_s(attempt))
        raise AssertionError("unreachable")
