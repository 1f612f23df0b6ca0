"""The state of the whole system about one year, under the names of its things, and how two such states differ.

What is compared: every row of every service that speaks of the year; every event of the year on the
bus, per key in the order of its first appearance (an event may stand on the bus twice, E-19); which
events each service has on record as handled; every SMS that came. `LEFT_OUT` says what is not, and why.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from chassis.bus import Record
from contracts.envelope import attributes_of
from rekku.services import SERVICES
from tests.failpoints.workload import Names, Year

LEFT_OUT = {
    "*.inbox": "compared event by event, as handled",
    "*.outbox": "empty whenever states are compared",
    "*.migrations": "the same for all years",
    "*.projected_positions": "how far a projection has come on the bus; its rows are compared themselves",
    "gateway.sessions": "random and on real time; whoever loses the answer to a sign-in signs in again",
    "*.idempotency.created_at": "real time",
    "*.idempotency.request_hash": "a hash of things' ids",
    "*.audit.id": "numbers are given in the order of arrival, with gaps where a transaction was undone",
    "*.audit.trace_id": "a trace is new each time",
    "*.pins.pin_id": "as audit.id",
    "*.decisions.number": "as audit.id",
    "*.answers.answer_id": "random, so that no row leads to a client (E-30)",
    "*.feedback_totals.batch_id": "as answers.answer_id",
    "*.sealed_answers.sealed_id": "as answers.answer_id",
    "*.sealed_answers.batch_id": "as answers.answer_id",
    "*.sealed_answers.sealed": "sealed anew for every answer; that it opens is seen by the answers of a full batch",
    "*.client_contacts.sealed": "sealed anew for every client; that it opens is seen by the SMS arriving",
    "*.messages.claimed_by": "whose lease it was to send the message",
    "*.messages.claimed_until": "as claimed_by",
    "*.messages.attempts": "as claimed_by: a message is claimed again by whoever survives",
}
_SEALED = "sealed"

State = dict[str, Counter[str]]
"""What stands where, how often."""


@dataclass(frozen=True)
class Table:
    """A table of a service, without the columns that are left out."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def compared(self) -> str:
        """The rows that are compared, as SQL.

        How often somebody looks depends on how long things take, and so does whether a quota's new state is first
        published by its timer, which leaves an act, or along with a command's own.
        """
        if self.name != "audit":
            return self.place
        return f"{self.place} WHERE action NOT LIKE 'read\\_%' AND action <> 'review_quota'"


def _left_out(schema: str, *names: str) -> bool:
    return any(".".join((owner, *names)) in LEFT_OUT for owner in (schema, "*"))


class Digest:
    """Reads the state of the years from the database; events and SMS are handed to it."""

    def __init__(self, admin: asyncpg.Connection, tables: Iterable[Table]) -> None:
        self._admin = admin
        self._tables = tuple(tables)
        self.records: list[Record] = []
        self._rows_before: dict[str, int] = {}

    @classmethod
    async def of(cls, admin: asyncpg.Connection) -> "Digest":
        """Knows every table there is now."""
        rows = await admin.fetch(
            "SELECT table_schema, table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns"
            " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = ANY ($1) AND table_type = 'BASE TABLE' GROUP BY 1, 2 ORDER BY 1, 2",
            list(SERVICES),
        )
        return cls(
            admin,
            (
                Table(schema, name, tuple(c for c in columns if not _left_out(schema, name, c)))
                for schema, name, columns in rows
                if not _left_out(schema, name)
            ),
        )

    async def begin(self) -> None:
        """A new year begins: rows are counted from here."""
        self._rows_before = await self._rows()

    async def _rows(self) -> dict[str, int]:
        return {
            table.place: await self._admin.fetchval(f"SELECT count(*) FROM {table.compared}") for table in self._tables
        }

    def add_records(self, records: Iterable[Record]) -> None:
        """What has come to the bus since the last time."""
        self.records += records

    async def state(self, year: Year) -> State:
        """What the system knows of the year."""
        await self._learn_names(year)
        names, state = year.names, {}
        for table in self._tables:
            rows = await self._admin.fetch(f"SELECT {', '.join(table.columns)} FROM {table.compared}")
            state[table.place] = Counter(shown for row in rows if (shown := _shown(names, dict(row))))
        events = self._events(names)
        for topic, keys in _by_topic_and_key(events.values()).items():
            state[f"topic {topic}"] = Counter(f"{key}: {json.dumps(said)}" for key, said in keys.items())
        for service in SERVICES:
            handled = await self._admin.fetch(f"SELECT event_id, generation FROM {service}.inbox")
            state[f"{service}.inbox"] = Counter(
                f"{row['generation']} {json.dumps(events[row['event_id']])}"
                for row in handled
                if row["event_id"] in events
            )
        state["rows added"] = Counter(await self._rows()) - Counter(self._rows_before)
        state["sms"] = Counter(names.of(text) for text in year.texts())
        return state

    async def _learn_names(self, year: Year) -> None:
        """Names for what nobody is told the id of: messages by their occasion, surveys by their invitation."""
        names = year.names
        for row in await self._admin.fetch("SELECT message_id, occasion FROM notifications.messages"):
            if (occasion := names.of(row["occasion"])) != row["occasion"]:
                names.call(row["message_id"], f"message on {occasion}")
        surveys = await self._admin.fetch(
            "SELECT survey_id, token_hash, decision_ref, period_number FROM notifications.invitations"
            " JOIN notifications.surveys USING (survey_id)"
        )
        for row in surveys:
            if (decision := names.of(row["decision_ref"])) != row["decision_ref"]:
                survey = f"survey of {decision} on period {row['period_number']}"
                names.call(row["survey_id"], survey)
                if row["token_hash"] is not None:
                    names.call(row["token_hash"].hex(), f"hash of the {survey}")
        for _, message_id, token in year.surveys():
            names.call(token, f"token in {names.of(message_id)}")

    def _events(self, names: Names) -> dict[UUID, list[Any]]:
        """The year's events in the order of their first appearance: topic, key, type, source, time, body."""
        events: dict[UUID, list[Any]] = {}
        for record in self.records:
            told = attributes_of(record.headers)
            event_id = UUID(told["ce_id"])
            if event_id in events:
                continue
            body = json.loads(record.value or b"null")
            about = [told["ce_type"], told["ce_source"], told["ce_time"]]
            said = [record.topic, (record.key or b"").decode(), *about, _without_seal(body)]
            if (renamed := _renamed(names, said)) != said:
                events[event_id] = renamed
        return events


def _without_seal(body: Any) -> Any:
    return {**body, _SEALED: "…"} if isinstance(body, dict) and _SEALED in body else body


def _by_topic_and_key(events: Iterable[list[Any]]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for topic, key, *said in events:
        found[topic][key].append(said)
    return found


def _shown(names: Names, row: dict[str, Any]) -> str | None:
    """The row under the year's names, None where it does not speak of the year."""
    plain = json.loads(json.dumps(row, default=_plain))
    renamed = _renamed(names, plain)
    return None if renamed == plain else json.dumps(renamed, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"nobody has said how a {type(value).__name__} is shown")


def _renamed(names: Names, value: Any) -> Any:
    if isinstance(value, dict):
        return {names.of(key): _renamed(names, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(names, inner) for inner in value]
    if isinstance(value, str):
        return names.of(value)
    if isinstance(value, int) and not isinstance(value, bool):
        named = names.of(str(value))
        return value if named == str(value) else named
    return value


def differences(undisturbed: State, disturbed: State) -> Iterator[str]:
    """Every place where the two differ, row by row: what is gone, what is new, what has another value."""
    for place in sorted(undisturbed.keys() | disturbed.keys()):
        gone = undisturbed.get(place, Counter()) - disturbed.get(place, Counter())
        new = disturbed.get(place, Counter()) - undisturbed.get(place, Counter())
        for row in [*gone.elements()]:
            other = max(new.elements(), key=lambda candidate: _likeness(row, candidate), default=None)
            if other is None or _likeness(row, other) < 0.5:
                yield f"{place}: gone: {row}"
            else:
                new -= Counter([other])
                yield f"{place}: {_changed(row, other)}"
        yield from (f"{place}: new: {row}" for row in new.elements())


def _columns(row: str) -> dict[str, Any]:
    try:
        columns = json.loads(row)
    except ValueError:
        return {}
    return columns if isinstance(columns, dict) else {}


def _likeness(row: str, other: str) -> float:
    ours, theirs = _columns(row), _columns(other)
    if not ours or ours.keys() != theirs.keys():
        return 0.0
    return sum(ours[column] == theirs[column] for column in ours) / len(ours)


def _changed(row: str, other: str) -> str:
    ours, theirs = _columns(row), _columns(other)
    same = {column: value for column, value in ours.items() if theirs[column] == value}
    changed = [f"{column}: {ours[column]!r} became {theirs[column]!r}" for column in ours if column not in same]
    return f"{'; '.join(changed)} in {json.dumps(same, ensure_ascii=False)}"
