"""A provider's own pages: courses, pinning, confirming, and the inbox (R-CRS-8, R-CRS-10, R-CRS-17)."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from chassis import cleaning
from contracts.identity_codes import TextKind
from contracts.refusals import Invalid, NotFound
from services.gateway import results
from services.gateway.forms import read_session_form
from services.gateway.upstreams import Reply, UpstreamUnavailable
from services.gateway.visitor import Visitor, provider_visitor

router = APIRouter(prefix="/provider", tags=["pages"], include_in_schema=False)

Signed = Annotated[Visitor, Depends(provider_visitor)]
CourseId = Annotated[str, TextKind.MACHINE, Path(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]

_COMMANDS = {"publication": "published", "confirmation": "confirmed"}
_DONE = frozenset({"published", "confirmed", "pinned", "unpinned"})


@router.get("")
async def own_courses_page(visitor: Signed) -> Response:
    """The provider's courses with what is pinned and free, and the clients waiting to be pinned."""
    courses = await visitor.ask("courses", "/courses", {"limit": 500})
    clients = await visitor.ask("courses", "/pinnable-clients", {"limit": 100})
    return visitor.page(
        "provider.html",
        title=visitor.t("provider-title"),
        courses=sorted(_items(courses), key=lambda course: (course["year"], course["periods"][0]["first_day"])),
        clients=[_client(visitor, client) for client in _items(clients)],
        names=await _service_names(visitor),
        refused=_refusal(courses) or _refusal(clients),
    )


@router.get("/courses/{course_id}")
async def own_course_page(course_id: CourseId, visitor: Signed) -> Response:
    """One course and what can be done with it now."""
    return await _course_page(visitor, course_id)


@router.post("/courses/{course_id}/{command}")
async def change_course(
    course_id: CourseId, command: Annotated[str, TextKind.MACHINE, Path()], visitor: Signed
) -> Response:
    """Publish, confirm, pin or unpin; a refusal is shown on the course's page in its own words."""
    if visitor.session is None:
        raise AssertionError("signed-in pages have a session")
    form = await read_session_form(visitor.request, visitor.session)
    key = form.get("key") or None
    decision_ref = form.get("decision_ref", "")
    path = f"/courses/{course_id}"
    if command in _COMMANDS:
        done = _COMMANDS[command]
        reply = await visitor.send("courses", "POST", f"{path}/{command}", key=key)
    elif command == "pins":
        done = "pinned"
        reply = await visitor.send("courses", "POST", f"{path}/pins", {"decision_ref": decision_ref}, key=key)
    elif command == "released-pins":
        done = "unpinned"
        try:
            # A part of an address, so that the service cannot say what is wrong with it.
            cleaned = cleaning.decision_ref(decision_ref)
        except Invalid as error:
            return await _course_page(visitor, course_id, refused=visitor.refusal(error))
        why = {"reason": form["reason"]} if form.get("reason") else None
        reply = await visitor.send("courses", "DELETE", f"{path}/pins/{cleaned}", why, key=key)
    else:
        return visitor.message("problem-not-found", status=404, at=router.prefix)
    if reply.ok:
        return visitor.redirect(f"/provider/courses/{course_id}?done={done}")
    return await _course_page(visitor, course_id, refused=reply)


@router.get("/messages")
async def inbox_page(visitor: Signed) -> Response:
    """What the system has told the provider, newest first."""
    messages = await visitor.ask("notifications", "/messages", {"limit": 100})
    return visitor.page(
        "inbox.html",
        title=visitor.t("inbox-title"),
        messages=sorted(_items(messages), key=lambda message: str(message["sent_at"]), reverse=True),
        refused=_refusal(messages),
    )


async def _course_page(visitor: Visitor, course_id: str, refused: Reply | None = None) -> Response:
    reply = await visitor.ask("courses", f"/courses/{course_id}")
    if not reply.ok:
        return visitor.message("problem-not-found", status=404, at=router.prefix)
    course = reply.document
    pins = await visitor.ask("courses", f"/courses/{course_id}/pins", {"state": "active", "limit": 500})
    clients = await visitor.ask("courses", "/pinnable-clients", {"course_id": course_id, "pinnable": "true"})
    done = visitor.request.query_params.get("done", "")
    return visitor.page(
        "provider_course.html",
        title=visitor.t("provider-course", number=str(course["course_number"])),
        status=refused.status if refused else 200,
        at=f"{router.prefix}/courses/{course_id}",
        course=course,
        pins=_items(pins),
        clients=_items(clients),
        key=secrets.token_urlsafe(18),
        done=visitor.t(f"provider-done-{done}") if done in _DONE and not refused else "",
        refused=_refusal(refused) if refused else "",
    )


async def _service_names(visitor: Visitor) -> dict[str, str]:
    """Names by code; without the search a provider sees the codes instead."""
    try:
        services = await visitor.ask("search", "/services")
    except (UpstreamUnavailable, NotFound):
        return {}
    return {item["service"]: results.name_in(item["names"], visitor.t) for item in _items(services)}


def _items(reply: Reply) -> list[dict[str, Any]]:
    return list(reply.document["items"]) if reply.ok else []


def _refusal(reply: Reply) -> str:
    return "" if reply.ok else reply.detail


def _client(visitor: Visitor, client: Mapping[str, Any]) -> dict[str, Any]:
    """A client of the list, with the reason in words where it cannot be pinned (E-25)."""
    reason = client["reason"]
    text = f"reason-{reason}" if reason and visitor.t.has(f"reason-{reason}") else "reason-unknown"
    return {**client, "reason_text": visitor.t(text) if reason else ""}
