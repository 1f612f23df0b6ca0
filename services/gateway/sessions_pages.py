"""Where somebody is signed in, and signing out there: this browser and all others of the same person."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.gateway import handlers
from services.gateway.forms import read_session_form
from services.gateway.handlers import Session
from services.gateway.visitor import Visitor, signed_in_visitor

_DONE = frozenset({"one", "others"})

router = APIRouter(prefix="/sessions", tags=["sign-in"], include_in_schema=False)

SignedIn = Annotated[Visitor, Depends(signed_in_visitor)]


@router.get("")
async def own_sessions_page(visitor: SignedIn) -> Response:
    """One's own sessions, this one first."""
    return await _sessions_page(visitor)


@router.post("/end")
async def end_session(visitor: SignedIn) -> Response:
    """Sign out somewhere. Another person's session is answered as one that is not there."""
    session = _session_of(visitor)
    name = (await read_session_form(visitor.request, session)).get("session", "")
    if not await visitor.gateway.db.run(lambda tx: handlers.end_own_session(tx, session, name)):
        return await _sessions_page(visitor, gone=True)
    return visitor.redirect("/sessions?done=one")


@router.post("/end-others")
async def end_other_sessions(visitor: SignedIn) -> Response:
    """Sign out everywhere else."""
    session = _session_of(visitor)
    await read_session_form(visitor.request, session)
    await visitor.gateway.db.run(lambda tx: handlers.end_other_sessions(tx, session))
    return visitor.redirect("/sessions?done=others")


def _session_of(visitor: Visitor) -> Session:
    if visitor.session is None:
        raise AssertionError("signed-in pages have a session")
    return visitor.session


async def _sessions_page(visitor: Visitor, *, gone: bool = False) -> Response:
    session, limits = _session_of(visitor), visitor.gateway.settings.sessions
    async with visitor.gateway.db.transaction(readonly=True) as tx:
        sessions = await handlers.own_sessions(tx, session, limits)
    done = visitor.request.query_params.get("done", "")
    return visitor.page(
        "sessions.html",
        title=visitor.t("sessions-title"),
        status=404 if gone else 200,
        at=router.prefix,
        sessions=sessions,
        gone=gone,
        done=visitor.t(f"sessions-done-{done}") if done in _DONE and not gone else "",
        ends=visitor.t("sessions-end", **visitor.sign_in_lasts),
    )
