"""What this service does about others' news: keeps its copies, and tells whom it concerns.

State events are merged, and the reaction looks at the merged copy; what a message is about (its
occasion) is unique, so order and repetition of the news do not matter.
"""

from datetime import date

from chassis.db import Transaction
from contracts import courses, decisions, registration
from contracts.values import DecisionState, PinState
from services.notifications import copies, domain, store
from services.notifications.domain import Template
from services.notifications.writing import InboxLine, cancel_unsent, tell_client, tell_providers


async def on_service_description(tx: Transaction, event: registration.ServiceDescriptionPublished) -> None:
    """What a service is called, for surveys and inboxes."""
    await copies.merge_service(tx, event)


async def on_contract(tx: Transaction, event: registration.ContractEvent) -> None:
    """A provider whose contract we hear of late learns of the quota that is already in use."""
    await copies.lock_service(tx, event.contract.service)
    await copies.merge_contract(tx, event.version, event.contract)
    for quota in await copies.find_quotas(tx, event.contract.service, from_year=tx.today.year):
        await _tell_of_quota(tx, quota)


async def on_client_contact(tx: Transaction, event: decisions.ClientContactChanged) -> None:
    """Kept sealed; messages that wait for it are found by the delivery."""
    await copies.set_client_contact(tx, event.version, event.client_ref, event.sealed)


async def on_decision(tx: Transaction, event: decisions.DecisionEvent) -> None:
    """Tell the provider of a grant and the client of a wait; cancel what a later state makes untrue."""
    decision = await copies.merge_decision(tx, event.version, event.decision)
    if decision.state is None or decision.provider_id is None:
        return
    await cancel_unsent(tx, decision.decision_ref, domain.outdated_by_decision(decision.state))
    if not domain.may_be_surveyed(decision.state):
        await store.cancel_surveys_never_sent(tx, decision.decision_ref)
    if decision.state is DecisionState.GRANTED:
        await tell_providers(
            tx,
            [
                InboxLine(
                    f"{Template.DECISION_RECEIVED}/{decision.decision_ref}",
                    Template.DECISION_RECEIVED,
                    decision.provider_id,
                    {"decision_ref": decision.decision_ref},
                    decision.decision_ref,
                    decision.language,
                )
            ],
        )
    if decision.state is DecisionState.AWAITING_QUOTA:
        occasion = f"{Template.APPLICATION_WAITS}/{decision.decision_ref}"
        await tell_client(tx, Template.APPLICATION_WAITS, occasion, decision.decision_ref)


async def on_course(tx: Transaction, event: courses.CourseEvent) -> None:
    """Everybody pinned to a course that has been confirmed is told so (R-CRS-18)."""
    course = await copies.merge_course(tx, event.version, event.course)
    if not domain.tells_of_confirmation(course.state, late=course.late_confirmed):
        return
    for decision_ref in await copies.find_clients_on_course(tx, event.course.course_id):
        await _tell_of_confirmation(tx, decision_ref, event.course.course_id)


async def on_pin(tx: Transaction, event: courses.PinEvent) -> None:
    """A client with a place is told of a move to it (E-15) and that its course is confirmed (R-CRS-18).

    A pin that a revocation ended is told to client and provider (E-21), one that an annulment ended to
    the provider; so is one that ended because
    its course is not held (E-34, E-40). What an earlier pin gave reason to say does not leave any more.
    Older news than what we know tells nobody anything.

    The course is locked before the pin, as `on_course` does: of a pin and a confirmation at the
    same time, the second sees the first.
    """
    pin = event.pin
    course = await copies.lock_course(tx, pin.course_id)
    if not await copies.merge_pin(tx, event.version, pin):
        return
    active = pin.state is PinState.ACTIVE
    still_true = [_confirmation_occasion(pin.decision_ref, pin.course_id), _move_occasion(pin)] if active else []
    await cancel_unsent(tx, pin.decision_ref, domain.PLACE_TEMPLATES, but=still_true)
    if active and pin.moved_from is not None:
        await tell_client(tx, Template.PLACE_MOVED, _move_occasion(pin), pin.decision_ref)
    if active and domain.tells_of_confirmation(course.state, late=course.late_confirmed):
        await _tell_of_confirmation(tx, pin.decision_ref, pin.course_id)
    if domain.tells_of_release(pin.state, pin.reason):
        await _tell_of_release(tx, pin, course.course_number)
    if domain.tells_of_ending(pin.state, pin.reason):
        await _tell_of_ending(tx, pin, course.course_number)


async def _tell_of_release(tx: Transaction, pin: courses.Pin, course_number: int | None) -> None:
    figures = {
        "decision_ref": pin.decision_ref,
        "course_number": "unknown" if course_number is None else str(course_number),
        "place": "taken" if pin.occupies_place else "free",
        "why": str(pin.reason),
    }
    occasion = f"{Template.CLIENT_UNPINNED}/{pin.decision_ref}"
    line = InboxLine(occasion, Template.CLIENT_UNPINNED, pin.provider_id, figures, pin.decision_ref)
    await tell_providers(tx, [line])
    if domain.tells_client_of_release(pin.reason):
        occasion = f"{Template.PLACE_RELEASED}/{pin.decision_ref}"
        await tell_client(tx, Template.PLACE_RELEASED, occasion, pin.decision_ref)


async def _tell_of_ending(tx: Transaction, pin: courses.Pin, course_number: int | None) -> None:
    figures = {
        "decision_ref": pin.decision_ref,
        "course_number": "unknown" if course_number is None else str(course_number),
        "why": str(pin.reason),
    }
    about = f"{pin.decision_ref}/{pin.course_id}"
    occasion = f"{Template.COURSE_ENDED}/{about}"
    await tell_providers(tx, [InboxLine(occasion, Template.COURSE_ENDED, pin.provider_id, figures, pin.decision_ref)])
    await tell_client(tx, Template.COURSE_NOT_HELD, f"{Template.COURSE_NOT_HELD}/{about}", pin.decision_ref)


def _confirmation_occasion(decision_ref: str, course_id: str) -> str:
    return f"{Template.COURSE_CONFIRMED}/{decision_ref}/{course_id}"


def _move_occasion(pin: courses.Pin) -> str:
    """One per move, whatever becomes known of the pin afterwards."""
    return f"{Template.PLACE_MOVED}/{pin.decision_ref}/{pin.course_id}/{pin.pinned_at.isoformat()}"


async def _tell_of_confirmation(tx: Transaction, decision_ref: str, course_id: str) -> None:
    occasion = _confirmation_occasion(decision_ref, course_id)
    await tell_client(tx, Template.COURSE_CONFIRMED, occasion, decision_ref)


async def on_quota(tx: Transaction, event: decisions.QuotaEvent) -> None:
    """Providers of the service are told when a quota is taken into use, changed or full (R-DEC-14)."""
    quota = event.quota
    await copies.lock_service(tx, quota.service)
    stopped = quota.suspended or quota.remaining == 0
    await _tell_of_quota(tx, await copies.merge_quota(tx, event.version, quota, stopped=stopped))


async def _tell_of_quota(tx: Transaction, quota: copies.QuotaCopy) -> None:
    if quota.limit is None and quota.stopped_version is None:
        return
    about = {"service": quota.service, "year": str(quota.year)}
    where = f"{quota.service}/{quota.year}"
    lines = []
    for provider_id, language in await copies.find_providers_of(tx, quota.service, quota.year):
        if quota.limit is not None:
            occasion = f"{Template.QUOTA_IN_USE}/{where}/{quota.limit_version}/{provider_id}"
            figures = about | {"limit": str(quota.limit)}
            lines.append(InboxLine(occasion, Template.QUOTA_IN_USE, provider_id, figures, language=language))
        if quota.stopped_version is not None:
            occasion = f"{Template.QUOTA_FULL}/{where}/{quota.stopped_version}/{provider_id}"
            lines.append(InboxLine(occasion, Template.QUOTA_FULL, provider_id, about, language=language))
    await tell_providers(tx, lines)


async def on_count_use(tx: Transaction, event: decisions.CountUseEvent) -> None:
    """A line in the provider's own inbox, once per announced figure; nobody is contacted (E-9, R-DEC-4)."""
    count = event.count
    announced, used = await copies.merge_count_use(tx, event.version, count)
    if not 0 < announced <= used:
        return
    figures = {"service": count.service, "year": str(count.year), "announced": str(announced)}
    occasion = f"{Template.COUNT_FULL}/{count.contract_id}/{count.year}/{announced}"
    line = InboxLine(occasion, Template.COUNT_FULL, count.provider_id, figures, language=count.language)
    await tell_providers(tx, [line])


async def on_change_decided(tx: Transaction, event: registration.ChangeRequestDecided) -> None:
    """A provider learns what became of a change that needed Kela's approval (R-REG-5); a request is decided once."""
    request = event.request
    figures = {
        "outcome": str(request.state),
        "kind": str(request.kind),
        "effective_from": _day(request.effective_from),
    }
    occasion = f"{Template.CHANGE_DECIDED}/{request.request_id}"
    language = await copies.find_language_of(tx, request.provider_id)
    line = InboxLine(occasion, Template.CHANGE_DECIDED, request.provider_id, figures, language=language)
    await tell_providers(tx, [line])


async def on_notice(tx: Transaction, event: registration.NoticeGiven) -> None:
    """A line in the provider's inbox about an audit finding or data to look through, each notice once.

    A kind that we have no words for is a newer registration's; its notice is left out.
    """
    notice = event.notice
    if notice.kind not in domain.NOTICE_TEMPLATES:
        return
    figures = {
        "office": notice.office.name,
        "due_on": _day(notice.due_on),
    }
    if notice.service is not None:
        figures["service"] = notice.service
    language = await copies.find_language_of(tx, notice.provider_id)
    line = InboxLine(notice.notice_id, Template(notice.kind), notice.provider_id, figures, language=language)
    await tell_providers(tx, [line])


def _day(day: date) -> str:
    return f"{day.day}.{day.month}.{day.year}"
