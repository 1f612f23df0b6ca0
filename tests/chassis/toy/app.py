"""A small service that exercises the chassis; it takes the name of a real one for its roles and rights."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from chassis.acts import Act, Read, does, shows
from chassis.auth import Role
from chassis.db import Transaction
from chassis.http import Answer, Caller, Command, caller, problems, public_caller
from chassis.inbox import Unacceptable
from chassis.service import Service
from contracts.courses import ClientPinned, PinFulfilled
from contracts.decisions import PeriodPaid
from contracts.identity_codes import TextKind
from contracts.notifications import Channel, MessageSent
from contracts.refusals import NotFound, Refusal, expect_version
from contracts.registration import OfficeRegistered


class ToyAct(Act):
    WRITE_NOTE = "write_note"
    CHANGE_NOTE = "change_note"


class ToyRead(Read):
    READ_NOTE = "read_note"


router = APIRouter()
Someone = Annotated[Caller, Depends(caller(Role.PROVIDER, Role.OFFICER))]


class About(Command):
    client_refs: tuple[Annotated[str, TextKind.IDENTIFIER], ...] = ()
    by_client: dict[Annotated[str, TextKind.IDENTIFIER], str] | None = None
    invoice_number: Annotated[str, TextKind.PROSE] = ""


class WriteNote(Command):
    note_id: str
    provider_id: str
    text: str
    stars: int = 0
    about: About = About()


@router.post("/notes", status_code=201, responses=problems("NOTE_EXISTS"), openapi_extra=does(ToyAct.WRITE_NOTE))
async def write_note(body: WriteNote, here: Someone) -> Response:
    async def act(tx: Transaction) -> Answer:
        if await tx.fetchval("SELECT true FROM notes WHERE note_id = $1", body.note_id):
            raise Refusal("NOTE_EXISTS", note_id=body.note_id)
        await tx.execute("INSERT INTO notes VALUES ($1, $2, $3)", body.note_id, body.provider_id, body.text)
        tx.audit(ToyAct.WRITE_NOTE, f"note:{body.note_id}")
        tx.emit(MessageSent(version=1, message_id=body.note_id, template="note", channel=Channel.SMS, sent_at=tx.now))
        return Answer(201, {"note_id": body.note_id}, version=1, subject=("note", body.note_id))

    return await here.command(act)


@router.put("/notes/{note_id}", responses=problems("NOTE_UNKNOWN"), openapi_extra=does(ToyAct.CHANGE_NOTE))
async def change_note(note_id: str, body: WriteNote, here: Someone) -> Response:
    async def act(tx: Transaction) -> Answer:
        version = await tx.fetchval("SELECT version FROM notes WHERE note_id = $1 FOR UPDATE", note_id)
        if version is None:
            raise NotFound("NOTE_UNKNOWN")
        expect_version(version, here.if_match)
        await tx.execute("UPDATE notes SET text = $2, version = version + 1 WHERE note_id = $1", note_id, body.text)
        tx.audit(ToyAct.CHANGE_NOTE, f"note:{note_id}")
        return Answer(200, {"note_id": note_id}, version=version + 1, subject=("note", note_id))

    return await here.command(act)


@router.get("/notes")
async def list_notes(here: Annotated[Caller, Depends(public_caller)]) -> Response:
    async def read(tx: Transaction) -> Answer:
        return Answer(200, [row["note_id"] for row in await tx.fetch("SELECT note_id FROM notes ORDER BY 1")])

    return await here.query(read)


@router.get("/notes/{note_id}", responses=problems("NOTE_UNKNOWN"), openapi_extra=shows(ToyRead.READ_NOTE))
async def show_note(
    note_id: str, here: Someone, part: Annotated[str | None, TextKind.MACHINE, Query()] = None
) -> Response:
    async def read(tx: Transaction) -> Answer:
        text = await tx.fetchval("SELECT text FROM notes WHERE note_id = $1", note_id)
        if text is None:
            raise NotFound("NOTE_UNKNOWN")
        return Answer(200, {"text": text, "part": part})

    return await here.query(read)


@router.get("/my-notes")
async def list_my_notes(
    here: Someone,
    client_ref: Annotated[str | None, TextKind.IDENTIFIER, Query()] = None,
    after: Annotated[str | None, TextKind.MACHINE, Query()] = None,
) -> Response:
    async def read(tx: Transaction) -> Answer:
        rows = await tx.fetch("SELECT note_id FROM notes WHERE note_id > $1 ORDER BY 1", after or "")
        return Answer(200, [row["note_id"] for row in rows])

    return await here.query(read)


@router.get("/both")
async def read_both(after: Annotated[str | None, TextKind.MACHINE, Query()] = None) -> Response:
    return Response()


@router.post("/both")
async def write_both() -> Response:
    return Response()


@router.post("/write")
async def write() -> Response:
    return Response()


@router.get("/broken")
async def broken() -> Response:
    raise ZeroDivisionError("a secret value")


async def on_period_paid(tx: Transaction, event: PeriodPaid) -> None:
    """Counts every application, so that a second one shows; a period 99 is a bug, 98 is unacceptable."""
    if event.period_number == 99:
        raise ZeroDivisionError("cannot be handled")
    if event.period_number == 98:
        raise Unacceptable("not from you")
    await tx.execute(
        "INSERT INTO paid (decision_ref, period_number) VALUES ($1, $2)"
        " ON CONFLICT (decision_ref, period_number) DO UPDATE SET times = paid.times + 1",
        event.decision_ref,
        event.period_number,
    )


async def on_pinned(tx: Transaction, event: ClientPinned | PinFulfilled) -> None:
    if event.version == 99:
        raise ZeroDivisionError("cannot be handled")
    await tx.execute("INSERT INTO fired (at, key) VALUES ($1, $2)", tx.now, f"pin {event.key} {event.version}")


async def project(tx: Transaction, events: Any) -> None:
    for event in events:
        if event.office.name == "poison":
            raise ZeroDivisionError("cannot be projected")
        await tx.execute(
            "INSERT INTO offices VALUES ($1, $2, $3) ON CONFLICT (office_id)"
            " DO UPDATE SET version = excluded.version, name = excluded.name WHERE offices.version < excluded.version",
            event.key,
            event.version,
            event.office.name,
        )


async def remember(tx: Transaction, key: str, payload: Any) -> None:
    if payload.get("fails"):
        raise ZeroDivisionError("cannot fire")
    if payload.get("locks"):
        await tx.fetchval("SELECT version FROM notes WHERE note_id = $1 FOR UPDATE", payload["locks"])
    if payload.get("sleeps"):
        await tx.connection.fetchval("SELECT pg_sleep(60)", timeout=0.05)
    if payload.get("cancelled"):
        raise asyncio.CancelledError
    if payload.get("loses"):
        raise asyncpg.SerializationError("lost a race")
    await tx.execute("INSERT INTO fired (at, key) VALUES ($1, $2)", tx.now, key)


async def known_note(tx: Transaction, note_id: str) -> int | None:
    return await tx.fetchval("SELECT version FROM notes WHERE note_id = $1", note_id)  # type: ignore[no-any-return]


SERVICE = Service(
    name="notifications",
    root=Path(__file__).parent,
    router=router,
    reactions={PeriodPaid: on_period_paid, ClientPinned: on_pinned},
    projected=(OfficeRegistered,),
    project=project,
    projection_tables=("offices",),
    superseding=((OfficeRegistered,),),
    timers={"remember": remember},
    known={"note": known_note},
    acts=ToyAct,
    reads=ToyRead,
)
