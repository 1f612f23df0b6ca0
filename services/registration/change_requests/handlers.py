"""Changes that need Kela's approval, one function per command: load, decide, save, emit."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from chassis.calendar import add_months, start_of_day
from chassis.db import Transaction
from contracts.envelope import new_event_id
from contracts.refusals import IfMatch, Refusal, expect_version
from contracts.registration import ChangeRequest as ChangeRequestSnapshot
from contracts.registration import ChangeRequestDecided, OfficeChanged
from contracts.values import ChangeKind, ChangeState
from services.registration import store as registry
from services.registration.acts import Act
from services.registration.change_requests import domain, store
from services.registration.change_requests.domain import Change, ChangeRequest, MoveVisitingAddress
from services.registration.domain import require_of_today
from services.registration.handlers import office_snapshot
from services.registration.own_details import store as offices
from services.registration.registering import store as registrations
from services.registration.registering.domain import IN_FORCE, Grounds, recompose, require_state
from services.registration.registering.events import registration_changed

APPLY_CHANGE = "apply-change"


async def ask_for_registration(
    tx: Transaction, registration_id: str, kind: ChangeKind, change: Change, *, effective_from: date, why: str | None
) -> ChangeRequest:
    """Ask to change who produces a registered service; what is in force stays until Kela approves (R-REG-5, E-68).

    Raises:
        NotFound: REGISTRATION_UNKNOWN.
        Invalid: DATE_IN_PAST or PARTY_NAMED_TWICE.
        Refusal: REGISTRATION_STATE, SUBCONTRACTOR_KNOWN, SUBCONTRACTOR_UNKNOWN or CHANGE_PENDING.
    """
    registration = await registrations.get_registration(tx, registration_id)
    require_state(registration, *sorted(IN_FORCE))
    domain.require_sensible(registration, change)
    return await _ask(
        tx,
        ChangeRequest(
            str(new_event_id()),
            registration.provider_id,
            kind,
            change,
            effective_from,
            registration_id=registration_id,
            explanation=why,
        ),
    )


async def ask_for_office(
    tx: Transaction, office_id: str, kind: ChangeKind, change: Change, *, effective_from: date, why: str | None
) -> ChangeRequest:
    """Ask to change an office's visiting address, premises or staff (P2).

    Raises:
        NotFound: OFFICE_UNKNOWN.
        Invalid: DATE_IN_PAST or MUNICIPALITY_UNKNOWN.
        Refusal: CHANGE_PENDING.
    """
    office = await registry.get_office(tx, office_id)
    if isinstance(change, MoveVisitingAddress):
        require_of_today(change.municipality_code)
    return await _ask(
        tx,
        ChangeRequest(
            str(new_event_id()),
            office.provider_id,
            kind,
            change,
            effective_from,
            office_id=office_id,
            explanation=why,
        ),
    )


async def ask_for_provider(
    tx: Transaction, provider_id: str, kind: ChangeKind, change: Change, *, effective_from: date, why: str | None
) -> ChangeRequest:
    """Announce a new company form, a merger or a sale (P2).

    Raises:
        NotFound: PROVIDER_UNKNOWN.
        Invalid: DATE_IN_PAST.
        Refusal: ANNOUNCED_TOO_LATE or CHANGE_PENDING.
    """
    provider = await registry.get_provider(tx, provider_id)
    return await _ask(
        tx,
        ChangeRequest(str(new_event_id()), provider.provider_id, kind, change, effective_from, explanation=why),
    )


async def decide_change(
    tx: Transaction, request_id: str, grounds: Grounds, *, approved: bool, if_match: IfMatch | None
) -> ChangeRequest:
    """Kela approves or rejects a change, once, and says why (R-REG-5).

    An approved one is in force with this commit, or from the first instant of its own day. Where the
    registration has ended there is nothing left to approve.

    Raises:
        NotFound: CHANGE_UNKNOWN.
        Stale: the request has another version.
        Refusal: CHANGE_NOT_OPEN or REGISTRATION_STATE.
    """
    request = await _end(tx, request_id, ChangeState.APPROVED if approved else ChangeState.REJECTED, grounds, if_match)
    if approved and request.registration_id is not None:
        require_state(await registrations.lock_registration(tx, request.registration_id), *sorted(IN_FORCE))
    tx.emit(_decided(request))
    if domain.due(request, on=tx.today):
        return await _apply(tx, request)
    if approved:
        await tx.schedule(APPLY_CHANGE, request_id, start_of_day(request.effective_from))
    return request


async def withdraw_change(tx: Transaction, request_id: str, *, if_match: IfMatch | None) -> ChangeRequest:
    """The provider takes back a request that Kela has not decided yet.

    Raises:
        NotFound: CHANGE_UNKNOWN.
        Stale: the request has another version.
        Refusal: CHANGE_NOT_OPEN.
    """
    return await _end(tx, request_id, ChangeState.WITHDRAWN, None, if_match)


async def apply_change(tx: Transaction, request_id: str, _payload: Mapping[str, Any]) -> None:
    """The timer of an approved change's first day, however late and however often it fires."""
    request = await store.lock_request(tx, request_id)
    if domain.due(request, on=tx.today):
        await _apply(tx, request)


async def _ask(tx: Transaction, request: ChangeRequest) -> ChangeRequest:
    domain.require_notice(
        request.kind,
        request.effective_from,
        today=tx.today,
        in_three_months=add_months(tx.today, domain.COMPANY_FORM_NOTICE_MONTHS),
    )
    if not await store.add_request(tx, request):
        raise Refusal("CHANGE_PENDING", kind=request.kind.value)
    tx.audit(Act.ASK_FOR_CHANGE, f"change-request:{request.request_id}", kind=request.kind.value)
    return request


async def _end(
    tx: Transaction, request_id: str, state: ChangeState, grounds: Grounds | None, if_match: IfMatch | None
) -> ChangeRequest:
    before = await store.lock_request(tx, request_id)
    expect_version(before.version, if_match)
    request = domain.end(before, state)
    await store.set_request(tx, request)
    await store.add_outcome(tx, request, grounds)
    reason = None if grounds is None else grounds.code
    tx.audit(Act.END_CHANGE_REQUEST, f"change-request:{request_id}", outcome=state.value, reason=reason)
    return request


async def _apply(tx: Transaction, request: ChangeRequest) -> ChangeRequest:
    if request.registration_id is not None and not await _recompose(tx, request, request.registration_id):
        tx.audit(Act.LET_CHANGE_LAPSE, f"change-request:{request.request_id}")
        return request
    if request.office_id is not None and isinstance(request.change, MoveVisitingAddress):
        await _move(tx, request.office_id, request.change)
    done = domain.applied(request)
    await store.set_request(tx, done)
    tx.audit(Act.APPLY_CHANGE, f"change-request:{request.request_id}")
    return done


async def _recompose(tx: Transaction, request: ChangeRequest, registration_id: str) -> bool:
    """False where the registration has ended before the change's day: then nothing comes into force."""
    before = await registrations.lock_registration(tx, registration_id)
    after = recompose(before, domain.recomposed(before.composition, request.change))
    if after is not before:
        await registrations.set_registration(tx, after)
        tx.audit(Act.RECOMPOSE_REGISTRATION, f"registration:{registration_id}", change_request=request.request_id)
        tx.emit(registration_changed(after))
    return before.state in IN_FORCE


async def _move(tx: Transaction, office_id: str, change: MoveVisitingAddress) -> None:
    before = await offices.lock_office(tx, office_id)
    after = domain.moved(before, change)
    if after is not before:
        await offices.set_office(tx, after)
        tx.audit(Act.MOVE_VISITING_ADDRESS, f"office:{office_id}", **domain.detail_of(change))
        tx.emit(OfficeChanged(version=after.version, office=office_snapshot(after)))


def _decided(request: ChangeRequest) -> ChangeRequestDecided:
    return ChangeRequestDecided(
        version=request.version,
        request=ChangeRequestSnapshot(
            request_id=request.request_id,
            provider_id=request.provider_id,
            kind=request.kind,
            state=request.state,
            effective_from=request.effective_from,
            registration_id=request.registration_id,
            office_id=request.office_id,
        ),
    )
