"""HTTP of audit findings."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import does
from chassis.auth import Role
from chassis.db import Transaction
from chassis.fields import ISO_DAY
from chassis.http import Answer, Command, problems
from contracts.values import FindingState, Severity
from services.registration.acts import Act
from services.registration.audits import handlers, store
from services.registration.audits.domain import Category, Finding, Step
from services.registration.audits.store import TakenStep, Wanted
from services.registration.fields import (
    After,
    BusinessId,
    Id,
    IdInPath,
    Limit,
    Officer,
    OfficialReader,
    Prose,
    Provider,
    Reader,
    ServiceCode,
)

router = APIRouter(tags=["audits"])


DueDate = Annotated[date, ISO_DAY, Field(le=date(2200, 12, 31), examples=["2025-03-31"])]


class OpenFinding(Command):
    """What an audit found."""

    office_id: Id
    service: ServiceCode
    category: Category
    severity: Severity
    corrective_action: Prose
    due_on: DueDate


class ReportAction(Command):
    """What the provider has done."""

    action: Prose


class CloseFinding(Command):
    """Kela's word on it, if there is one."""

    remark: Prose | None = None


class ReopenFinding(Command):
    """What is still to be done, by when."""

    corrective_action: Prose
    due_on: DueDate


class StepView(BaseModel):
    """A step of a finding; providers are not told which official took it."""

    version: int
    step: Step
    due_on: date
    said: str | None
    taken_at: datetime
    taken_by: str | None
    role: Role


class FindingView(BaseModel):
    """A finding; `overdue` is worked out for today."""

    finding_id: str
    provider_id: str
    office_id: str
    service: str
    category: Category
    severity: Severity
    state: FindingState
    corrective_action: str
    opened_on: date
    due_on: date
    overdue: bool
    version: int


class FindingPage(FindingView):
    """A finding with its history, oldest step first."""

    steps: list[StepView]


class FindingList(BaseModel):
    """Findings, those due first in front; `next` is the `after` of the following page."""

    items: list[FindingView]
    next: str | None


class CategoryView(BaseModel):
    """How many findings of one category there are; the overdue ones are among the open ones."""

    category: Category
    open: int
    action_reported: int
    closed: int
    overdue: int


class CategoryList(BaseModel):
    """Every category, also where nothing was found."""

    items: list[CategoryView]
    next: None = None


@router.post(
    "/audit-findings",
    status_code=201,
    response_model=FindingPage,
    responses=problems("DUE_DATE_PAST", "OFFICE_UNKNOWN", "SERVICE_NOT_PROVIDED"),
    openapi_extra=does(Act.OPEN_FINDING),
)
async def open_finding(body: OpenFinding, caller: Officer) -> Response:
    """Record what an audit found at an office, and what its provider has to do about it by when (R-REG-11)."""

    async def act(tx: Transaction) -> Answer:
        finding = await handlers.open_finding(
            tx,
            office_id=body.office_id,
            service=body.service,
            category=body.category,
            severity=body.severity,
            corrective_action=body.corrective_action,
            due_on=body.due_on,
        )
        return await _answer(tx, finding, status=201)

    return await caller.command(act, body.office_id)


@router.get("/audit-findings", response_model=FindingList, responses=problems())
async def list_findings(
    caller: Reader,
    provider_id: BusinessId | None = None,
    state: FindingState | None = None,
    overdue: Annotated[bool, Query(description="Only those overdue today")] = False,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Findings, those due first in front; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        wanted = Wanted(provider_id, state, tx.today if overdue else None)
        found = await store.find_findings(tx, wanted, after=after, limit=limit + 1)
        items = [FindingView.model_validate(_fields(finding, tx.today)) for finding in found[:limit]]
        return Answer(200, FindingList(items=items, next=items[-1].finding_id if len(found) > limit else None))

    return await caller.query(read)


@router.get("/audit-findings/by-category", response_model=CategoryList, responses=problems())
async def count_findings(caller: OfficialReader) -> Response:
    """How many findings of each category are open, reported, closed and overdue."""

    async def read(tx: Transaction) -> Answer:
        counts = await store.count_by_category(tx, tx.today)
        none = {"open": 0, "action_reported": 0, "closed": 0, "overdue": 0}
        items = [CategoryView(**{"category": each, **none, **counts.get(each, {})}) for each in Category]
        return Answer(200, CategoryList(items=items))

    return await caller.query(read)


@router.get("/audit-findings/{finding_id}", response_model=FindingPage, responses=problems("FINDING_UNKNOWN"))
async def show_finding(finding_id: IdInPath, caller: Reader) -> Response:
    """One finding with its history; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        return await _answer(tx, await store.get_finding(tx, finding_id))

    return await caller.query(read)


@router.post(
    "/audit-findings/{finding_id}/report-action",
    response_model=FindingPage,
    responses=problems("FINDING_NOT_IN_STATE", "FINDING_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REPORT_ACTION),
)
async def report_action(finding_id: IdInPath, body: ReportAction, caller: Provider) -> Response:
    """The provider reports its corrective action."""

    async def act(tx: Transaction) -> Answer:
        return await _answer(tx, await handlers.report_action(tx, finding_id, body.action, if_match=caller.if_match))

    return await caller.command(act)


@router.post(
    "/audit-findings/{finding_id}/close",
    response_model=FindingPage,
    responses=problems("FINDING_NOT_IN_STATE", "FINDING_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.CLOSE_FINDING),
)
async def close_finding(finding_id: IdInPath, body: CloseFinding, caller: Officer) -> Response:
    """Kela accepts the corrective action."""

    async def act(tx: Transaction) -> Answer:
        return await _answer(tx, await handlers.close(tx, finding_id, body.remark, if_match=caller.if_match))

    return await caller.command(act)


@router.post(
    "/audit-findings/{finding_id}/reopen",
    response_model=FindingPage,
    responses=problems("DUE_DATE_PAST", "FINDING_NOT_IN_STATE", "FINDING_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.REOPEN_FINDING),
)
async def reopen_finding(finding_id: IdInPath, body: ReopenFinding, caller: Officer) -> Response:
    """Kela asks for more, by a new day."""

    async def act(tx: Transaction) -> Answer:
        finding = await handlers.reopen(tx, finding_id, body.corrective_action, body.due_on, if_match=caller.if_match)
        return await _answer(tx, finding)

    return await caller.command(act)


def _fields(finding: Finding, today: date) -> dict[str, object]:
    return {**vars(finding), "overdue": finding.overdue(today)}


def _step(step: TakenStep, reader: Role) -> StepView:
    view = StepView.model_validate(step, from_attributes=True)
    hidden = reader is Role.PROVIDER and view.role is not Role.PROVIDER
    return view.model_copy(update={"taken_by": None}) if hidden else view


async def _answer(tx: Transaction, finding: Finding, *, status: int = 200) -> Answer:
    steps = [_step(step, tx.principal.role) for step in await store.find_steps(tx, finding.finding_id)]
    view = FindingPage.model_validate({**_fields(finding, tx.today), "steps": steps})
    return Answer(status, view, version=finding.version, subject=("finding", finding.finding_id))
