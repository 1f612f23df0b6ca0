"""What must hold in the whole system at rest, whatever happened on the way and however much at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg

from chassis.bus import Record
from contracts.envelope import attributes_of, decode
from contracts.topics import SERVICES
from rekku.services import load

RULES = {
    "a course has more pins than places": "SELECT course_id FROM courses.courses WHERE occupied > group_size",
    "a course counts other pins than it has": """
        SELECT course_id, pinned, occupied, active, occupying FROM courses.courses LEFT JOIN (
            SELECT course_id, count(*) FILTER (WHERE state = 'active') AS active,
                   count(*) FILTER (WHERE occupies_place) AS occupying FROM courses.pins GROUP BY course_id
        ) AS counted USING (course_id)
        WHERE occupied <> coalesce(occupying, 0) OR state <> 'completed' AND pinned <> coalesce(active, 0)""",
    "a decision is pinned more than once": """
        SELECT decision_ref FROM courses.pins WHERE state = 'active' GROUP BY decision_ref HAVING count(*) > 1""",
    "a decision that is not in force is pinned": """
        SELECT decision_ref FROM courses.pins p JOIN decisions.decisions d USING (decision_ref)
        WHERE p.state = 'active' AND d.state <> 'granted'""",
    "a ledger of places is not the sum of its courses": """
        SELECT contract_id, year, reserved, announced FROM courses.place_ledgers l
        WHERE reserved > announced OR reserved <> (
            SELECT coalesce(sum(group_size), 0) FROM courses.courses c
            WHERE c.contract_id = l.contract_id AND c.year = l.year AND holds_places)""",
    "an announced count is not what was granted": """
        SELECT contract_id, year, used, announced FROM decisions.announced_counts a
        WHERE used > announced OR used <> (
            SELECT count(*) FROM decisions.decisions d WHERE d.contract_id = a.contract_id
            AND extract(year FROM decided_on) = a.year AND state IN ('granted', 'revoked'))""",
    "a quota counts other clients than the first grants": """
        SELECT service, year, used FROM decisions.quotas q WHERE used <> (
            SELECT count(*) FROM decisions.first_grants f
            WHERE f.service = q.service AND extract(year FROM granted_on) = q.year)""",
    "a gauge of decisions is not the announced count": """
        SELECT contract_id, year, used FROM decisions.announced_counts a WHERE used <> (
            SELECT count(*) FROM registration.decisions d
            WHERE d.contract_id = a.contract_id AND d.year = a.year AND uses_count)""",
    "a gauge of places is not the ledger": """
        SELECT contract_id, year, reserved FROM courses.place_ledgers l WHERE reserved <> (
            SELECT coalesce(sum(places), 0) FROM registration.courses c
            WHERE c.contract_id = l.contract_id AND c.year = l.year)""",
    "the announced count is not the same everywhere": """
        SELECT contract_id, year FROM courses.place_ledgers l
        JOIN decisions.announced_counts d USING (contract_id, year)
        WHERE d.announced <> l.announced OR d.announced <> (
            SELECT max(count) FROM registration.announced_counts r
            WHERE r.contract_id = l.contract_id AND r.year = l.year)""",
    "the search shows other places than there are": """
        SELECT course_id FROM courses.courses c LEFT JOIN search.courses s USING (course_id)
        WHERE s.course_id IS NULL OR s.state <> c.state OR s.free_places <> c.group_size - c.occupied""",
    "a copy of a decision is not the newest": """
        SELECT decision_ref FROM decisions.decisions d
        LEFT JOIN courses.decisions c USING (decision_ref) LEFT JOIN notifications.decisions n USING (decision_ref)
        LEFT JOIN registration.decisions r USING (decision_ref)
        WHERE (c.version, n.version, r.version) IS DISTINCT FROM (d.version, d.version, d.version)""",
    "a copy of a pin is not the newest": """
        SELECT p.decision_ref FROM (
            SELECT DISTINCT ON (decision_ref) * FROM courses.pins ORDER BY decision_ref, version DESC
        ) AS p LEFT JOIN notifications.pins n ON n.decision_ref = p.decision_ref
        LEFT JOIN decisions.pins d ON d.decision_ref = p.decision_ref AND d.course_id = p.course_id
        WHERE (n.version, n.state, n.course_id) IS DISTINCT FROM (p.version, p.state, p.course_id)
           OR (d.version, d.state) IS DISTINCT FROM (p.version, p.state)""",
    "a full batch of answers has not been opened": """
        SELECT batch_id, count(*) FROM notifications.sealed_answers GROUP BY batch_id HAVING count(*) >= 5""",
    "the feedback totals do not count every answer that was opened": """
        SELECT office_id, service, t.answers FROM notifications.feedback_totals t WHERE answers <> published_at
        OR answers <> (SELECT count(*) FROM notifications.answers a
            WHERE (a.office_id, a.service) = (t.office_id, t.service))""",
    "a message has not left": "SELECT message_id, occasion FROM notifications.messages WHERE state = 'waiting'",
} | {
    f"{what} in {service}.{table}": f"SELECT * FROM {service}.{table} LIMIT 3"
    for service in SERVICES
    for table, what in (("outbox", "rows wait"), ("dead_letters", "dead letters"), ("parked_records", "records wait"))
}
"""What is wrong, and the query whose rows show it."""

_GAPLESS = ("rekku.registrations", "rekku.courses", "rekku.pins", "rekku.decisions")


async def violations(admin: asyncpg.Connection, records: Iterable[Record], sms: Iterable[Path]) -> list[str]:
    """Everything that is wrong, with the rows that show it; `sms` are the files of those that came."""
    found = []
    for wrong, query in RULES.items():
        found += [f"{wrong}: {dict(row)}" for row in await admin.fetch(query)]
    events = _first_appearances(records)
    found += _versions_out_of_order(events.values())
    for service in SERVICES:
        found += await _not_handled(admin, service, events)
    sent = await admin.fetch("SELECT message_id FROM notifications.messages WHERE channel = 'sms' AND state = 'sent'")
    arrived = Counter(path.stem for path in sms)
    if arrived != Counter(row["message_id"] for row in sent):
        found.append(f"{len(sent)} SMS are marked as sent, {arrived.total()} arrived")
    return found


def _first_appearances(records: Iterable[Record]) -> dict[UUID, Record]:
    events: dict[UUID, Record] = {}
    for record in records:
        events.setdefault(UUID(attributes_of(record.headers)["ce_id"]), record)
    return events


def _versions_out_of_order(records: Iterable[Record]) -> Iterator[str]:
    """Nothing is missing and nothing is out of order: an aggregate's versions are 1, 2, 3 …"""
    versions = defaultdict(list)
    for record in records:
        if record.topic in _GAPLESS:
            envelope = decode(record.headers, record.value)
            versions[record.topic, record.key].append(envelope.event.version)
    for (topic, key), seen in versions.items():
        if seen != list(range(1, len(seen) + 1)):
            yield f"the versions of {key.decode()} on {topic} are {seen}"


async def _not_handled(admin: asyncpg.Connection, service: str, events: dict[UUID, Record]) -> list[str]:
    declared = load(service)
    wanted = {event.wire_type for event in (*declared.reactions, *declared.projected)}
    due = {event_id for event_id, record in events.items() if attributes_of(record.headers)["ce_type"] in wanted}
    handled = {row["event_id"] for row in await admin.fetch(f"SELECT event_id FROM {service}.inbox")}
    lost = [f"{service} never handled {attributes_of(events[event].headers)['ce_type']}" for event in due - handled]
    strange = [f"{service} handled {event}, which is on no topic" for event in handled - due]
    return lost + strange
