"""The audit: one row per act with who, on whose behalf, about what, by which request; and nobody changes a row."""

from pathlib import Path

import asyncpg
import pytest
from fastapi import APIRouter
from starlette.responses import Response

from chassis.acting import acting
from chassis.acts import Act, ChassisAct, Read, UnnamedAct, does, shows
from chassis.auth import SYSTEM, Principal, Role
from chassis.db import Transaction
from chassis.http import Answer
from chassis.service import Service
from chassis.telemetry import current_trace_id
from chassis.testing import ServiceUnderTest
from contracts.notifications import Channel, MessageSent
from tests.chassis.toy.app import SERVICE, Someone, ToyAct, ToyRead

PROVIDER = "2828286-3"
NOTE = {"note_id": "N-1", "provider_id": PROVIDER, "text": "hello"}


async def audited(toy: ServiceUnderTest) -> list[asyncpg.Record]:
    async with toy.transaction() as tx:
        return await tx.fetch("SELECT * FROM audit ORDER BY id")


async def test_what_no_request_asked_for_has_no_route(toy: ServiceUnderTest):
    async with toy.transaction() as tx:
        tx.audit(ToyAct.CHANGE_NOTE, "note:N-1")
    [row] = await audited(toy)
    assert (row["actor"], row["role"], row["route"], row["trace_id"]) == ("system", "system", None, None)


async def test_a_row_names_the_trace_of_its_request(toy: ServiceUnderTest):
    """The same that the logs and the events of the request have."""
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    await toy.http().post("/notes", json=NOTE, headers={"traceparent": parent})
    [row] = await audited(toy)
    assert row["trace_id"] in (None, "ab" * 16)
    assert current_trace_id() is None


async def test_commands_that_share_a_transaction_are_each_their_own_callers(toy: ServiceUnderTest):
    one, other = Principal("one", Role.OFFICER), Principal("other", Role.PROVIDER, PROVIDER)
    async with toy.transaction(one) as tx:
        with acting(tx, one, "POST /a") as done:
            tx.audit(ToyAct.WRITE_NOTE, "note:1")
        with acting(tx, other, "POST /b") as then:
            assert (then.acts, then.published) == (set(), False)
            tx.audit(ToyAct.CHANGE_NOTE, "note:2")
        assert then.acts == {ToyAct.CHANGE_NOTE} < done.acts
        tx.audit(ToyAct.WRITE_NOTE, "note:3", by=SYSTEM)
    assert [(row["actor"], row["role"], row["on_behalf_of"], row["route"]) for row in await audited(toy)] == [
        ("one", "officer", None, "POST /a"),
        ("other", "provider", PROVIDER, "POST /b"),
        ("system", "system", None, None),
    ]


def serving(*routes) -> Service:
    """The toy's schema behind routes of one's own."""
    router = APIRouter()
    for method, path, endpoint, extra in routes:
        router.add_api_route(path, endpoint, methods=[method], openapi_extra=extra)
    return Service(name=SERVICE.name, root=SERVICE.root, router=router, acts=ToyAct, reads=ToyRead, needs=SERVICE.needs)


class StrangeAct(Act):
    WRITE_NOTE = "write_note"


class StrangeRead(Read):
    READ_NOTE = "read_note"


async def publish(here: Someone) -> Response:
    async def act(tx: Transaction) -> Answer:
        tx.emit(MessageSent(version=1, message_id="M-1", template="note", channel=Channel.SMS, sent_at=tx.now))
        return Answer(200, {})

    return await here.command(act)


async def keep(here: Someone) -> Response:
    async def act(tx: Transaction) -> Answer:
        return Answer(200, {}, version=1, subject=("thing", "T-1")) if here.if_match else Answer(200, {})

    return await here.command(act)


async def test_a_command_that_changes_nothing_says_so(databases, tmp_path):
    """Of what its answer is about, else of what its address names first, else of its address."""
    routes = [("POST", path, keep, does(ToyAct.CHANGE_NOTE)) for path in ("/things", "/things/{big_thing_id}/more")]
    async with databases.serve(serving(*routes), tmp_path) as served:
        await served.http().post("/things", headers={"if-match": "*"})
        await served.http().post("/things/7/more")
        await served.http().post("/things")
        rows = await audited(served)
    assert [row["subject"] for row in rows] == ["thing:T-1", "big-thing:7", "list:things"]
    assert {(row["action"], row["detail"].get("unchanged")) for row in rows} == {("change_note", True)}


@pytest.mark.parametrize(
    ("method", "extra", "problem"),
    [
        ("POST", None, "does not name its act"),
        ("DELETE", {}, "does not name its act"),
        ("POST", does(StrangeAct.WRITE_NOTE), "not its own"),
        ("POST", does(ChassisAct.RETRY_SET_ASIDE), "not its own"),
        ("POST", does(ToyAct.WRITE_NOTE) | shows(ToyRead.READ_NOTE), "does not name its act"),
        ("GET", does(ToyAct.WRITE_NOTE), "does not name its act"),
        ("GET", shows(StrangeRead.READ_NOTE), "not its own"),
    ],
)
async def test_a_service_whose_command_names_no_act_of_its_own_does_not_start(
    databases, tmp_path, method, extra, problem
):
    with pytest.raises(UnnamedAct, match=problem):
        async with databases.serve(serving((method, "/things", publish, extra)), tmp_path):
            pass


async def test_a_service_whose_commands_name_their_acts_starts(databases, tmp_path):
    """The control of the test above."""
    routes = [("POST", "/things", publish, does(ToyAct.WRITE_NOTE)), ("GET", "/things", publish, None)]
    async with databases.serve(serving(*routes), tmp_path) as served:
        assert (await served.http().get("/version")).status_code == 200


async def test_what_is_published_without_an_act_is_not_published(databases, tmp_path):
    """A handler that forgets its act fails, instead of saying that nothing has changed."""
    service = serving(("POST", "/things", publish, does(ToyAct.WRITE_NOTE)))
    async with databases.serve(service, tmp_path) as served:
        assert (await served.http().post("/things")).status_code == 500
        assert (await served.published(), await audited(served)) == ([], [])


async def test_what_an_officer_is_shown_is_recorded_and_never_what_it_was(toy: ServiceUnderTest):
    await toy.http().post("/notes", json=NOTE | {"text": "a secret"})
    answer = await toy.http().get("/notes/N-1", params={"part": "x" * 500})
    assert answer.json()["text"] == "a secret"
    [_, row] = await audited(toy)
    assert (row["action"], row["subject"], row["route"]) == ("read_note", "note:N-1", "GET /notes/{note_id}")
    assert (row["role"], row["detail"]) == ("officer", {"asked": {"part": "x" * 100}})
    assert "a secret" not in str(dict(row))


async def test_what_a_provider_is_shown_of_its_own_is_not_recorded(toy: ServiceUnderTest):
    """Nor what is not found, and so shown to nobody."""
    await toy.http().post("/notes", json=NOTE)
    assert (await toy.http(Role.PROVIDER, PROVIDER).get("/notes/N-1")).status_code == 200
    assert (await toy.http().get("/notes/N-2")).status_code == 404
    assert [row["action"] for row in await audited(toy)] == ["write_note"]


async def owner_of(toy: ServiceUnderTest) -> asyncpg.Connection:
    url = toy.settings.owner_database_url.get_secret_value()
    return await asyncpg.connect(url, server_settings={"search_path": toy.service.name})


async def test_what_cannot_be_recorded_is_not_shown(toy: ServiceUnderTest):
    """And its control: it is the recording that fails, and with it again, the text is shown."""
    await toy.http().post("/notes", json=NOTE | {"text": "a secret"})
    owner = await owner_of(toy)
    await owner.execute("REVOKE INSERT ON audit FROM rekku_notifications")
    refused = await toy.http().get("/notes/N-1")
    assert (refused.status_code, "secret" in refused.text) == (500, False)
    assert (await toy.http(Role.PROVIDER, PROVIDER).get("/notes/N-1")).json()["text"] == "a secret"
    await owner.execute("GRANT INSERT ON audit TO rekku_notifications")
    await owner.close()
    assert (await toy.http().get("/notes/N-1")).json()["text"] == "a secret"


CHANGES = {
    "update": "UPDATE audit SET actor = 'somebody else'",
    "delete": "DELETE FROM audit",
    "truncate": "TRUNCATE audit",
    "lock": "SELECT FROM audit FOR UPDATE",
    "trigger": "CREATE TRIGGER t BEFORE UPDATE ON audit EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "sequence": "SELECT setval('audit_id_seq', 1)",
    "number": "SELECT nextval('audit_id_seq')",
    "ledger, read": "SELECT * FROM migrations",
    "ledger, add": "INSERT INTO migrations VALUES ('service/9999_mine.sql', '')",
    "ledger, change": "UPDATE migrations SET checksum = ''",
    "ledger, delete": "DELETE FROM migrations",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_adds_to_the_audit_and_reads_it_and_that_is_all(toy: ServiceUnderTest, change: str):
    await toy.http().post("/notes", json=NOTE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await toy.db.pool.execute(CHANGES[change])
    assert len(await audited(toy)) == 1


async def test_its_owner_can_do_all_of_that(toy: ServiceUnderTest):
    """Negative control of the test above: it is the privileges that stop the application."""
    owner = await owner_of(toy)
    for change in CHANGES.values():
        await owner.execute(change)
    await owner.close()


_GRANTED = """
SELECT a.grantee::regrole::text AS role, array_agg(a.privilege_type::text ORDER BY 1) AS privileges
FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::regclass AND a.grantee <> c.relowner GROUP BY a.grantee
"""


async def test_no_role_but_the_owner_has_more_whoever_it_is(toy: ServiceUnderTest):
    """As the catalogue has it, so that a new role is not forgotten."""
    granted = {row["role"]: row["privileges"] for row in await toy.db.pool.fetch(_GRANTED, "audit")}
    assert {role: tuple(privileges) for role, privileges in granted.items()} == {
        "rekku_notifications": ("INSERT", "SELECT"),
        "rekku_notifications_provider": ("INSERT",),
    }
    assert await toy.db.pool.fetch(_GRANTED, "migrations") == []


async def test_a_route_without_an_act_or_a_subject_is_no_row(toy: ServiceUnderTest):
    """What the database holds of the form: rows of requests name an act, and their subject is `kind:id`."""
    insert = "INSERT INTO audit (at, actor, role, action, subject, route) VALUES (now(), 'a', 'officer', $1, $2, $3)"
    for action, subject in (("POST /notes", "note:1"), ("write_note", "/notes"), ("write_note", "note:")):
        with pytest.raises(asyncpg.CheckViolationError):
            await toy.db.pool.execute(insert, action, subject, "POST /notes")
    await toy.db.pool.execute(insert, "write_note", "note:1", "POST /notes")
    await toy.db.pool.execute(insert, "POST /notes", "/notes", None)


def test_migrations_alter_no_row_of_the_audit():
    """Old rows are never rewritten: no migration of any service updates or deletes them."""
    root = Path(__file__).parents[2]
    found = [
        path.name
        for path in (*root.glob("chassis/migrations/*.sql"), *root.glob("services/*/migrations/*.sql"))
        if any(f"{verb} audit " in path.read_text() for verb in ("UPDATE", "DELETE FROM", "TRUNCATE"))
    ]
    assert found == []
