"""Follow Rekku's pins and payments with aiokafka, keeping a copy of our own in SQLite.

An example for other systems: it uses nothing of Rekku's code. What matters is in `apply` (what was
applied before is known by its ce_id, in the same transaction as the effect) and in `follow`
(positions are committed after the work, never before).

    KAFKA_SERVERS=host:9092 KAFKA_GROUP=my-user.pins python subscribe_aiokafka.py copy.sqlite
"""

import asyncio
import json
import os
import signal
import sqlite3
import ssl
import sys

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError

TOPICS = ("rekku.pins", "rekku.payments")
PINS = {f"fi.kela.rekku.courses.{name}.v1" for name in ("client-pinned", "client-unpinned", "pin-fulfilled")}
PAYMENTS = {"fi.kela.rekku.decisions.period-paid.v1"}
OUR_COPY = """
CREATE TABLE IF NOT EXISTS applied (ce_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS pins (decision_ref TEXT PRIMARY KEY, version INTEGER, course_id TEXT, state TEXT);
CREATE TABLE IF NOT EXISTS payments (decision_ref TEXT, period INTEGER, PRIMARY KEY (decision_ref, period));
"""


def connection_options():
    """As the operator of the cluster tells: SCRAM over TLS; nothing of it on a developer's machine."""
    if "KAFKA_USERNAME" not in os.environ:
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": os.environ["KAFKA_USERNAME"],
        "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
        "ssl_context": ssl.create_default_context(cafile=os.environ["KAFKA_CA_FILE"]),
    }


def read(ce_type, value):
    """What we want of an event: of a pin its version, course and state, of a payment its period."""
    event = json.loads(value)
    if ce_type in PAYMENTS:
        return (event["decision_ref"], event["period_number"])
    pin = event["pin"]
    return (pin["decision_ref"], event["version"], pin["course_id"], pin["state"])


def apply(copy, key, headers, value):
    """Apply one record to our copy, once; what was done with it."""
    if value is None:  # on compacted topics: what was said of this key is gone
        copy.execute("DELETE FROM pins WHERE decision_ref = ?", (key,))
        return "erased"
    ce_id, ce_type = headers.get("ce_id"), headers.get("ce_type")
    if ce_id is None or ce_type is None:
        return "set aside, no event"
    if ce_type not in PINS | PAYMENTS:
        return "ignored, unknown type"
    try:
        row = read(ce_type, value)
    except (ValueError, KeyError, TypeError):
        return "set aside, cannot be read"
    if copy.execute("INSERT OR IGNORE INTO applied VALUES (?)", (ce_id,)).rowcount == 0:
        return "repeated"
    if ce_type in PAYMENTS:  # a fact: counts once, by its natural key as well
        done = copy.execute("INSERT OR IGNORE INTO payments VALUES (?, ?)", row)
    else:  # state: the newest version wins
        done = copy.execute(
            "INSERT INTO pins VALUES (?, ?, ?, ?) ON CONFLICT (decision_ref) DO UPDATE SET version = excluded.version,"
            " course_id = excluded.course_id, state = excluded.state WHERE excluded.version > pins.version",
            row,
        )
    return "applied" if done.rowcount else "nothing new"


async def follow(copy, stop):
    """Read until told to stop; the position is committed once our copy is."""
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=os.environ["KAFKA_SERVERS"],
        group_id=os.environ["KAFKA_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **connection_options(),
    )
    await consumer.start()
    try:
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            told = []
            with copy:  # one transaction; rolled back where anything fails
                for partition, records in batches.items():
                    for record in records:
                        key = (record.key or b"").decode(errors="replace")
                        headers = {name: text.decode(errors="replace") for name, text in record.headers}
                        outcome = apply(copy, key, headers, record.value)
                        told.append(f"{outcome}: {partition.topic} {key} {headers.get('ce_type', '-')}")
            for line in told:
                print(line, flush=True)
            if batches:
                try:
                    await consumer.commit()
                except CommitFailedError:  # the group moved on without us: others get these again, harmlessly
                    print("the position was not taken; what is read again is known", file=sys.stderr)
    finally:
        await consumer.stop()


async def main():
    """Follow until SIGTERM or SIGINT; the copy's file is the first argument."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    copy = sqlite3.connect(sys.argv[1])
    copy.executescript(OUR_COPY)
    try:
        await follow(copy, stop)
    finally:
        copy.close()


if __name__ == "__main__":
    asyncio.run(main())
