"""Checks of what stands on the topics, against the versions and facts at the services that wrote it."""

from collections import defaultdict
from dataclasses import dataclass

from contracts.topics import SERVICES, TOPICS, dead_letter_topic
from tests.chaos.checks import Looked, check
from tests.chaos.evidence import Evidence, Seen

PAYMENTS = "rekku.payments"
QUOTAS = "rekku.quotas"
MESSAGES = "rekku.messages"
REPORTS = "rekku.reports"
NOTICES = "rekku.notices"
"""Whoever gives notice keeps no row of it."""


@dataclass(frozen=True)
class Aggregates:
    """Rows of an owner whose every version is published: under which key on which topic."""

    table: str
    key: tuple[str, ...]
    topic: str
    version: str = "version"

    def rows(self, evidence: Evidence) -> dict[str, int]:
        """The owner's version by key, of those that were ever published."""
        rows = evidence.tables[self.table]
        return {
            "/".join(str(row[column]) for column in self.key): row[self.version] for row in rows if row[self.version]
        }


OWNED = (
    Aggregates("registration.providers", ("provider_id",), "rekku.registrations"),
    Aggregates("registration.offices", ("office_id",), "rekku.registrations"),
    Aggregates("registration.contracts", ("contract_id",), "rekku.registrations"),
    Aggregates("registration.services", ("service",), "rekku.service-descriptions"),
    Aggregates("courses.courses", ("course_id",), "rekku.courses"),
    Aggregates("courses.decisions", ("decision_ref",), "rekku.pins", "pin_version"),
    Aggregates("decisions.decisions", ("decision_ref",), "rekku.decisions"),
    Aggregates("decisions.quotas", ("service", "year"), QUOTAS),
    Aggregates("decisions.announced_counts", ("contract_id", "year"), QUOTAS),
    Aggregates("decisions.client_contacts", ("client_ref",), "rekku.client-contacts"),
    Aggregates("notifications.feedback_totals", ("office_id", "service"), "rekku.feedback"),
)

_FACTS = (PAYMENTS, MESSAGES, REPORTS, NOTICES)
_LETTERS = {dead_letter_topic(service) for service in SERVICES}
_STATES = [name for name in TOPICS if name not in _FACTS and name not in _LETTERS]


@check("every version stands on its topic")
def every_version(evidence: Evidence, looked: Looked) -> None:
    versions: dict[tuple[str, str], set[int]] = defaultdict(set)
    for record in evidence.records:
        versions[record.topic, record.key].add(record.version)
    for owned in OWNED:
        compacted = TOPICS[owned.topic].compacted
        for key, newest in owned.rows(evidence).items():
            stands = versions[owned.topic, key]
            if compacted:
                looked.look(max(stands, default=0) == newest, f"{owned.topic} {key}: version {newest} is not the last")
            else:
                looked.same(
                    set(range(1, newest + 1)),
                    stands,
                    f"{owned.topic} {key} lacks version",
                    f"{owned.topic} {key} has a version that {owned.table} does not know",
                )


@check("every record has an owner's row")
def no_ghosts(evidence: Evidence, looked: Looked) -> None:
    known: dict[str, set[str]] = defaultdict(set)
    for owned in OWNED:
        known[owned.topic] |= owned.rows(evidence).keys()
    known[QUOTAS] |= {f"{row['kind']}/{row['subject']}" for row in evidence.tables["decisions.differences"]}
    known[PAYMENTS] = {row["decision_ref"] for row in evidence.tables["decisions.payments"]}
    known[MESSAGES] = {row["message_id"] for row in evidence.tables["notifications.messages"]}
    known[REPORTS] = {row["report_id"] for row in evidence.tables["courses.reports"]}
    for record in evidence.records:
        if record.topic not in _LETTERS and record.topic != NOTICES:
            looked.look(record.key in known[record.topic], f"{record.topic} speaks of {record.key}, which nobody has")


@check("every fact stands on its topic")
def every_fact(evidence: Evidence, looked: Looked) -> None:
    paid = {(row["decision_ref"], row["period_number"]) for row in evidence.tables["decisions.payments"]}
    told = {(r.key, r.body["period_number"]) for r in evidence.records if r.topic == PAYMENTS}
    looked.same(paid, told, "a payment is not on its topic", "the topic has a payment that was not made")
    messages = evidence.tables["notifications.messages"]
    sent = {row["message_id"] for row in messages if row["state"] == "sent"}
    told = {record.key for record in evidence.records if record.topic == MESSAGES}
    looked.same(sent, told, "a sent message is not on its topic", "the topic has a message that was not sent")
    filed = {row["report_id"] for row in evidence.tables["courses.reports"]}
    told = {record.key for record in evidence.records if record.topic == REPORTS}
    looked.same(filed, told, "a report is not on its topic", "the topic has a report that was not filed")


@check("each event was written once")
def each_once(evidence: Evidence, looked: Looked) -> None:
    ids: dict[tuple, set[str]] = defaultdict(set)
    for record in evidence.records:
        if record.topic not in _LETTERS:
            ids[_what(record)].add(record.event_id)
    for what, found in ids.items():
        looked.look(len(found) == 1, f"{what} was written {len(found)} times, with different ids")


def _what(record: Seen) -> tuple:
    if record.topic == PAYMENTS:
        return record.topic, record.key, record.body["period_number"]
    return record.topic, record.key, record.version, _nth(record)


def _nth(record: Seen) -> int:
    """Which of the facts about one subject: a period that was paid, a difference that was found; 0 of a state."""
    return record.body.get("period_number", record.body.get("difference", 0))


@check("a repeated record says the same")
def repeats_agree(evidence: Evidence, looked: Looked) -> None:
    first: dict[str, Seen] = {}
    for record in evidence.records:
        known = first.setdefault(record.event_id, record)
        same = (known.topic, known.partition, known.key, known.body) == (
            record.topic,
            record.partition,
            record.key,
            record.body,
        )
        looked.look(same, f"{record.topic} {record.key}: two records share the id {record.event_id} and differ")


@check("order within each key is kept")
def order(evidence: Evidence, looked: Looked) -> None:
    last: dict[tuple, tuple[int, tuple]] = {}
    seen: set[str] = set()
    for record in evidence.records:
        if record.event_id in seen:
            continue
        seen.add(record.event_id)
        at = (record.version, _nth(record))
        partition, before = last.get((record.topic, record.key), (record.partition, (0, 0)))
        where = f"{record.topic}/{record.partition}/{record.position} {record.key}"
        looked.look(partition == record.partition, f"{where}: the key stands in two partitions")
        looked.look(at > before, f"{where}: version {at[0]} comes after {before[0]}")
        last[record.topic, record.key] = (record.partition, max(at, before))


def repeats(evidence: Evidence) -> int:
    """Records that stand on a topic again: sent twice because an acknowledgement was lost."""
    return len(evidence.records) - len({record.event_id for record in evidence.records})


@check("dead letters are empty and no key is parked")
def no_letters(evidence: Evidence, looked: Looked) -> None:
    for service in SERVICES:
        for table in ("dead_letters", "parked_keys", "parked_records"):
            rows = evidence.tables[f"{service}.{table}"]
            looked.look(not rows, f"{service} has {len(rows)} {table}: {[row.get('error') for row in rows][:3]}")
        letters = [record for record in evidence.records if record.topic == dead_letter_topic(service)]
        looked.look(not letters, f"{len(letters)} records on {dead_letter_topic(service)}")


@check("everything is at rest")
def at_rest(evidence: Evidence, looked: Looked) -> None:
    for instance, told in evidence.progress.items():
        for what in ("outbox", "lag", "timers_due", "dead_letters", "parked", "paused"):
            looked.look(not told[what], f"{instance}: {what} is {told[what]}, not 0")
    for service in SERVICES:
        rows = evidence.tables[f"{service}.outbox"]
        looked.look(not rows, f"{len(rows)} rows wait in the outbox of {service}")
        looked.look(
            evidence.lag.get(service) == 0, f"the group of {service} is {evidence.lag.get(service)} records behind"
        )
