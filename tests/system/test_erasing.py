"""Erasing a client in the running system: nothing is found of it afterwards, wherever one looks (record 0031)."""

import base64
import json
import mmap
from contextlib import asynccontextmanager
from datetime import date
from functools import partial

import asyncpg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.embedded import KEYS_DATABASE, SUPERUSER
from chassis.vault import Vault
from contracts.decisions import CLIENT_CONTACTS, CLIENT_ELIGIBILITY
from contracts.keys import Purpose
from contracts.topics import TOPICS
from tests.system.actors import eventually
from tests.system.people import Client, ProviderOfStory

TOPIC_OF = {Purpose.CONTACTS: CLIENT_CONTACTS, Purpose.ELIGIBILITY: CLIENT_ELIGIBILITY}
OPENER_OF = {Purpose.CONTACTS: "notifications", Purpose.ELIGIBILITY: "courses"}
KEPT = [
    ("decisions.client_contacts", Purpose.CONTACTS),
    ("notifications.client_contacts", Purpose.CONTACTS),
    ("decisions.client_eligibility", Purpose.ELIGIBILITY),
    ("courses.client_eligibility", Purpose.ELIGIBILITY),
]


@pytest.fixture
def here(rekku, world):
    """`await here("clients", "erase", ref)`: a command in the world's home."""
    return partial(rekku, HOME=world.home)


class Person(Client):
    """A client with a birth date and a disease group that are nobody else's."""

    @property
    def birth_date(self):
        return date.fromordinal(date(1931, 3, 7).toordinal() + self.number).isoformat()

    @property
    def group(self):
        return f"GROUP-OF-NOBODY-ELSE-{self.number:05}"

    @property
    def needles(self):
        """What must be found nowhere, as bytes: the number also in its national form."""
        return [word.encode() for word in (self.phone, self.phone.replace("+358", "0"), self.birth_date, self.group)]


async def known_everywhere(world, kela, person):
    """The person's data are with every service that keeps them, and an SMS has been sent."""
    provider = await ProviderOfStory.registered(world)
    course = await provider.publish_course()
    await kela.note_phone(person)
    decision = await kela.grant(person, provider)
    await provider.pin(course, decision)
    body = {"disease_group": person.group, "birth_date": person.birth_date}
    await world.kela().put("decisions", f"/client-eligibility/{person.ref}", body)
    await kela.revoke(decision["decision_ref"])

    async def sent_and_copied():
        return person.texts(world.home) and all([await sealed_in(world, table, person) for table, _ in KEPT])

    await eventually(sent_and_copied)


async def sealed_in(world, table, person):
    async with server(world) as database:
        return await database.fetchval(f"SELECT sealed FROM {table} WHERE client_ref = $1", person.ref)


@asynccontextmanager
async def server(world, name="rekku"):
    connection = await asyncpg.connect(world.system.cluster.url(SUPERUSER, name))
    try:
        yield connection
    finally:
        await connection.close()


async def keys_of(world, person):
    async with server(world, KEYS_DATABASE) as keys:
        rows = await keys.fetch(
            "SELECT purpose, key FROM keys_by_purpose WHERE client_ref = $1 AND key IS NOT NULL", person.ref
        )
    return {Purpose(row["purpose"]): row["key"] for row in rows}


async def seals_on_topics(world, person):
    """What stands sealed of the person on each topic."""
    found = {}
    for purpose, topic in TOPIC_OF.items():
        records = [record for record in await world.bus.records(topic) if record.key == person.ref.encode()]
        bodies = [json.loads(record.value) for record in records if record.value is not None]
        found[purpose] = [body["sealed"] for body in bodies if "sealed" in body]
    return found


def holding(folder, needles, but=()):
    """The files below a folder that hold one of these bytes, but those below some folders of it."""
    found = set()
    for path in folder.rglob("*"):
        within = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or not path.stat().st_size or set(but) & set(within.parts):
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if any(content.find(needle) >= 0 for needle in needles):
                found.add(within.parts[0])
    return found


async def tables_holding(world, needles):
    """The tables, in every schema, in which a row holds one of these texts, also inside binary columns."""
    words = [word.decode() for word in needles]
    patterns = [f"%{word}%" for word in (*words, *(word.encode().hex() for word in words))]
    async with server(world) as database:
        tables = await database.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return [
            table["name"]
            for table in tables
            if await database.fetchval(
                f"SELECT EXISTS (SELECT FROM {table['name']} AS t WHERE t::text LIKE ANY ($1))", patterns
            )
        ]


async def topics_holding(world, needles):
    return {
        record.topic
        for record in await world.bus.records(*TOPICS)
        if any(needle in (record.value or b"") for needle in needles)
    }


async def swept(world):
    """What PostgreSQL does by and by, and the embedded bus within the hour."""
    async with server(world, KEYS_DATABASE) as keys:
        await keys.execute("VACUUM FULL keys_by_purpose")
        await keys.execute("VACUUM FULL client_keys")
        await keys.execute("CHECKPOINT")
    if world.system.kafka is None:
        async with server(world) as database:
            await database.execute("SELECT rekku_bus.trim_log()")


def unsealed(key, sealed, person):
    raw = base64.b64decode(sealed)
    return AESGCM(key).decrypt(raw[:12], raw[12:], person.ref.encode()).decode()


async def opened_by_services(world, seals, person):
    """What the services that may open it still can."""
    found = []
    for purpose, texts in seals.items():
        vault = Vault(world.system.cluster.keys_url(OPENER_OF[purpose]))
        try:
            found += [await vault.open(purpose, person.ref, text) for text in texts]
        finally:
            await vault.close()
    return found


async def test_an_erased_client_is_found_nowhere(world, kela, here):
    """E-59. Before it, the same search finds what there is: the negative control."""
    person = Person()
    await known_everywhere(world, kela, person)
    keys, seals = await keys_of(world, person), await seals_on_topics(world, person)
    await swept(world)
    assert holding(world.home, person.needles) == {"sms"}
    assert "postgres" in holding(world.home, keys.values(), but=["pg_wal"])
    assert [len(texts) for texts in seals.values()] == [1, 1]
    assert person.phone in unsealed(keys[Purpose.CONTACTS], seals[Purpose.CONTACTS][0], person)
    assert person.group in unsealed(keys[Purpose.ELIGIBILITY], seals[Purpose.ELIGIBILITY][0], person)
    assert None not in await opened_by_services(world, seals, person)

    status, said, _ = await here("clients", "erase", person.ref)
    assert (status, said.count("\n")) == (0, 1)
    assert said.startswith(f"{person.ref}: erased contact data, eligibility, keys; what was passed on is taken back")

    async def taken_back():
        return not person.texts(world.home) and not any([await sealed_in(world, table, person) for table, _ in KEPT])

    await eventually(taken_back)
    await eventually(world.bus.all_read)
    await swept(world)
    assert await keys_of(world, person) == {}
    assert holding(world.home, person.needles) == set()
    assert holding(world.home, keys.values(), but=["pg_wal"]) == set()
    assert await tables_holding(world, person.needles) == []
    assert await topics_holding(world, person.needles) == set()
    assert await opened_by_services(world, seals, person) == [None, None]
    if world.system.kafka is None:
        assert await seals_on_topics(world, person) == {Purpose.CONTACTS: [], Purpose.ELIGIBILITY: []}
    for topic in TOPIC_OF.values():
        last = [record for record in await world.bus.records(topic) if record.key == person.ref.encode()][-1]
        assert last.value is None

    status, rebuilt, _ = await here("projections", "rebuild")
    assert (status, "the same as live" in rebuilt) == (0, True)
    assert await tables_holding(world, person.needles) == []
    status, said, _ = await here("clients", "erase", person.ref)
    assert (status, said) == (0, f"{person.ref}: nothing is kept that could be erased\n")

    await comes_back(world, kela, person, seals)


async def comes_back(world, kela, person, seals):
    """By a new fact alone, under a new key: what was sealed before stays unreadable."""
    await kela.note_phone(person)

    async def known_again():
        return await sealed_in(world, "notifications.client_contacts", person)

    new = await eventually(known_again)
    assert person.phone in unsealed((await keys_of(world, person))[Purpose.CONTACTS], new, person)
    assert await opened_by_services(world, seals, person) == [None, None]
    assert not await sealed_in(world, "courses.client_eligibility", person)


async def test_what_looks_like_an_identity_code_is_not_taken_for_a_reference(here):
    """E-59."""
    status, said, wrong = await here("clients", "erase", "010203-123N")
    assert (status, said, wrong.count("\n"), "010203" in wrong) == (2, "", 1, False)
