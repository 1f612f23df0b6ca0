"""HTTP of Kela's follow-up: the work list, contacts and answers."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.responses import Response

from chassis.acts import does, shows
from chassis.conditional import UNCHANGED, unless_known
from chassis.db import Transaction
from chassis.exports import MOST_ROWS, Export, file_of, require_exportable
from chassis.http import Answer, Caller, Command, problems
from chassis.tables import TableFormat
from contracts.identity_codes import TextKind
from contracts.values import Language
from services.decisions import fields
from services.decisions import store as decisions
from services.decisions.acts import Act, Read
from services.decisions.domain import GivenBy, NoticeChannel
from services.decisions.followup import export, handlers, store
from services.decisions.followup.domain import EntryKind, Said, Watch, WorkState
from services.decisions.followup.store import Wanted, WorkItem

router = APIRouter(tags=["follow-up"])


def _place(cursor: str) -> tuple[date, str]:
    day, _, ref = cursor.partition(".")
    return date.fromisoformat(day), ref


def _checked(cursor: str) -> str:
    _place(cursor)
    return cursor


After = Annotated[
    str, TextKind.IDENTIFIER, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9A-Z]{13}$"), AfterValidator(_checked)
]


class NoteContact(Command):
    """A contact; `reached` says whom, null that nobody was."""

    contacted_on: fields.Day
    channel: NoticeChannel
    reached: GivenBy | None = None


class NoteStay(Command):
    """The client stays with the provider; `next_on` is the new day to look again."""

    answer: fields.Notice
    next_on: fields.Day


class NoteSwapWish(Command):
    """The client wants another provider."""

    answer: fields.Notice


class EndSwap(Command):
    """No other provider can take the client; `next_on` is the new day to look again."""

    next_on: fields.Day


class WorkItemView(BaseModel):
    """A client without a confirmed course; `due_on` is the deadline, or the day agreed on since.

    `course_unanswered`: the course has begun and its provider has not said whether it took place, so the
    provider is asked before the client is (R-CRS-40).
    """

    model_config = ConfigDict(from_attributes=True)

    decision_ref: str
    version: int
    client_ref: str
    service: str
    contract_id: str
    provider_id: str
    language: Language
    decided_on: date
    confirm_by: date | None
    due_on: date | None
    state: WorkState
    pinned_to: str | None
    first_day: date | None
    contacted_on: date | None
    next_on: date | None


class WorkList(BaseModel):
    """Items by their days; `next` is the `after` of the following page."""

    items: list[WorkItemView]
    next: str | None


class EntryView(BaseModel):
    """One thing noted: what, on which day, how, with whom, and which officer wrote it down when."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    kind: EntryKind
    happened_on: date
    channel: NoticeChannel | None
    spoken_with: GivenBy | None
    next_on: date | None
    noted_at: datetime
    noted_by: str


class FollowUpDetail(BaseModel):
    """A decision's follow-up with its history; `state` is null once it is closed."""

    decision_ref: str
    version: int
    confirm_by: date | None
    due_on: date | None
    open: bool
    pinned_to: str | None
    confirmed: bool
    state: WorkState | None
    contacted_on: date | None
    next_on: date | None
    history: list[EntryView]


class WatchView(BaseModel):
    """How the follow-up stands after what was noted."""

    decision_ref: str
    version: int
    next_on: date | None
    contacted_on: date | None
    swap_wanted: bool

    @classmethod
    def of(cls, decision_ref: str, watch: Watch) -> Self:
        """As it is now."""
        return cls(
            decision_ref=decision_ref,
            version=watch.version,
            next_on=watch.next_on,
            contacted_on=watch.contacted_on,
            swap_wanted=watch.swap_wanted,
        )


def _wanted(
    service: fields.QueryService | None = None,
    state: WorkState | None = None,
    due_before: Annotated[fields.Day | None, Query()] = None,
) -> Wanted:
    return Wanted(service, state, due_before)


WantedWork = Annotated[Wanted, Depends(_wanted)]


@router.get(
    "/follow-ups",
    response_model=WorkList,
    responses=problems() | UNCHANGED,
    openapi_extra=shows(Read.READ_FOLLOW_UPS),
)
async def list_work(
    caller: fields.Kela, wanted: WantedWork, after: After | None = None, limit: fields.Limit = 100
) -> Response:
    """Kela's work list: clients without a confirmed course whose day has passed or is near (R-CRS-21).

    `due_before` looks further ahead or less far than the usual 30 days; `state` asks for one state.
    """

    async def read(tx: Transaction) -> Answer:
        found = await store.find_work(tx, wanted, after=_place(after) if after else None, limit=limit + 1)
        page = found[:limit]
        following = "{}.{}".format(*page[-1].place) if len(found) > limit else None
        items = [WorkItemView.model_validate(item) for item in page]
        return unless_known(caller, WorkList(items=items, next=following))

    return await caller.query(read)


@router.get(
    "/follow-ups.csv",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.CSV),
    openapi_extra=shows(Read.READ_FOLLOW_UPS),
)
async def export_work_as_csv(caller: fields.Kela, wanted: WantedWork) -> Response:
    """The work list as CSV, with semicolons and in UTF-8; its words are in the language of Accept-Language."""
    return await _export(caller, TableFormat.CSV, wanted)


@router.get(
    "/follow-ups.xlsx",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.XLSX),
    openapi_extra=shows(Read.READ_FOLLOW_UPS),
)
async def export_work_as_xlsx(caller: fields.Kela, wanted: WantedWork) -> Response:
    """The work list as a spreadsheet; its words are in the language of Accept-Language."""
    return await _export(caller, TableFormat.XLSX, wanted)


@router.get(
    "/decisions/{decision_ref}/follow-up",
    response_model=FollowUpDetail,
    responses=problems("DECISION_UNKNOWN"),
    openapi_extra=shows(Read.READ_FOLLOW_UP),
)
async def show_follow_up(decision_ref: fields.PathRef, caller: fields.Kela) -> Response:
    """A decision's follow-up: deadline, pinned, confirmed, contacted, and everything that was noted."""

    async def read(tx: Transaction) -> Answer:
        decision = await decisions.get_decision(tx, decision_ref)
        follow_up = await handlers.get_follow_up(tx, decision)
        watch = await store.find_watch(tx, decision_ref)
        item = await store.find_item(tx, decision_ref)
        view = FollowUpDetail(
            decision_ref=decision_ref,
            version=watch.version,
            confirm_by=decision.confirm_by,
            due_on=watch.next_on or decision.confirm_by,
            open=follow_up.open,
            pinned_to=follow_up.pinned_to,
            confirmed=follow_up.confirmed,
            state=None if item is None else item.state,
            contacted_on=watch.contacted_on,
            next_on=watch.next_on,
            history=[EntryView.model_validate(entry) for entry in await store.find_entries(tx, decision_ref)],
        )
        return Answer(200, view, version=watch.version)

    return await caller.query(read)


@router.post(
    "/decisions/{decision_ref}/follow-up/contacts",
    status_code=201,
    response_model=WatchView,
    responses=problems("CONTACT_DAY_INVALID", "DECISION_UNKNOWN", "FOLLOW_UP_CLOSED", "STALE_VERSION"),
    openapi_extra=does(Act.NOTE_CONTACT),
)
async def note_contact(decision_ref: fields.PathRef, body: NoteContact, caller: fields.Official) -> Response:
    """Note that the client was contacted; refused once there is nothing to contact about."""

    async def act(tx: Transaction) -> Answer:
        said = Said(body.contacted_on, body.channel, body.reached)
        watch = await handlers.note_contact(tx, decision_ref, said, if_match=caller.if_match)
        return _answer(decision_ref, watch, status=201)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/follow-up/stay",
    response_model=WatchView,
    responses=problems(
        "CONTACT_DAY_INVALID",
        "DECISION_UNKNOWN",
        "FOLLOW_UP_CLOSED",
        "GUARDIAN_NEEDED",
        "NEXT_DAY_INVALID",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.NOTE_STAY),
)
async def note_stay(decision_ref: fields.PathRef, body: NoteStay, caller: fields.Official) -> Response:
    """The client or the guardian answered: stays with the provider (E-65)."""

    async def act(tx: Transaction) -> Answer:
        watch = await handlers.note_stay(tx, decision_ref, _said(body.answer), body.next_on, if_match=caller.if_match)
        return _answer(decision_ref, watch)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/follow-up/swap-wish",
    response_model=WatchView,
    responses=problems(
        "CONTACT_DAY_INVALID",
        "DEADLINE_NOT_PASSED",
        "DECISION_UNKNOWN",
        "FOLLOW_UP_CLOSED",
        "GUARDIAN_NEEDED",
        "STALE_VERSION",
    ),
    openapi_extra=does(Act.NOTE_SWAP_WISH),
)
async def note_swap_wish(decision_ref: fields.PathRef, body: NoteSwapWish, caller: fields.Official) -> Response:
    """The client or the guardian answered: wants another provider (E-65)."""

    async def act(tx: Transaction) -> Answer:
        watch = await handlers.note_swap_wish(tx, decision_ref, _said(body.answer), if_match=caller.if_match)
        return _answer(decision_ref, watch)

    return await caller.command(act)


@router.post(
    "/decisions/{decision_ref}/follow-up/swap-wish/ending",
    response_model=WatchView,
    responses=problems("DECISION_UNKNOWN", "FOLLOW_UP_CLOSED", "NEXT_DAY_INVALID", "STALE_VERSION", "SWAP_NOT_WANTED"),
    openapi_extra=does(Act.END_SWAP),
)
async def end_swap(decision_ref: fields.PathRef, body: EndSwap, caller: fields.Official) -> Response:
    """No other provider can take the client: the decision stays as it is (E-65, E-66)."""

    async def act(tx: Transaction) -> Answer:
        watch = await handlers.end_swap(tx, decision_ref, body.next_on, if_match=caller.if_match)
        return _answer(decision_ref, watch)

    return await caller.command(act)


async def _export(caller: Caller, kind: TableFormat, wanted: Wanted) -> Response:
    file = Export.asked(caller, kind)

    async def read(tx: Transaction) -> list[WorkItem]:
        found = await store.find_work(tx, wanted, limit=MOST_ROWS + 1)
        require_exportable(found)
        return found

    found = await caller.read(read)
    return await file.response("follow-ups", export.COLUMNS, export.work_rows(found, file.say))


def _said(answer: fields.Notice) -> Said:
    return Said(answer.received_on, answer.channel, answer.given_by)


def _answer(decision_ref: str, watch: Watch, *, status: int = 200) -> Answer:
    view = WatchView.of(decision_ref, watch)
    return Answer(status, view, version=watch.version, subject=("follow-up", decision_ref))
