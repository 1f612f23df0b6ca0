"""Forms that pages send: small, from our own pages only, with the session's form token where there is one."""

import hmac
from collections.abc import Mapping

from fastapi import Request

from chassis.request_body import BODY, BodyKind
from contracts.identity_codes import TextKind
from contracts.refusals import Forbidden
from services.gateway.handlers import Session

_OWN = frozenset({"same-origin", "none"})
_MOST_STATEMENTS = 40

WRITTEN: Mapping[str, TextKind] = {
    "act": TextKind.MACHINE,
    "decision_ref": TextKind.IDENTIFIER,
    "key": TextKind.MACHINE,
    "reason": TextKind.PROSE,
}
"""What forms of signed-in people hold: it is kept where their sign-in turns out to have ended (`kept_forms`)."""

KEPT = "kept-"
"""Begins the names under which the sign-in's form carries what another form held."""

FIELDS: Mapping[str, TextKind] = {
    "after": TextKind.MACHINE,
    "age": TextKind.PROSE,
    "csrf": TextKind.MACHINE,
    "done": TextKind.MACHINE,
    "lang": TextKind.MACHINE,
    "language": TextKind.MACHINE,
    "municipality": TextKind.PROSE,
    "next": TextKind.PROSE,
    "provider_id": TextKind.PROSE,
    "role": TextKind.MACHINE,
    "send-to": TextKind.PROSE,
    "service": TextKind.MACHINE,
    "session": TextKind.MACHINE,
    **WRITTEN,
    **{f"{KEPT}{name}": kind for name, kind in WRITTEN.items()},
    **{f"statement-{number}": TextKind.MACHINE for number in range(1, _MOST_STATEMENTS + 1)},
}
"""What pages read of forms and of their addresses, and how it is looked through for identity codes (E-59)."""


class StaleForm(Forbidden):
    """The form's token is not the session's: it is another site's, or of a session before (CSRF_REFUSED)."""

    def __init__(self) -> None:
        super().__init__("CSRF_REFUSED")


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form sent by one of our pages, those that pages read.

    Raises:
        Forbidden: CSRF_REFUSED where the browser says that another site sent it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in _OWN:
        raise StaleForm
    body = request.scope[BODY]
    return {name: value for name, value in body.value if name in FIELDS} if body.kind is BodyKind.FORM else {}


def require_form_token(expected: str, sent: str) -> None:
    """Let only a page that knows the cookie's form token change anything.

    Raises:
        Forbidden: CSRF_REFUSED.
    """
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise StaleForm


async def read_session_form(request: Request, session: Session) -> Mapping[str, str]:
    """The fields of a form of a signed-in page.

    Raises:
        Forbidden: CSRF_REFUSED.
    """
    form = await read_form(request)
    require_form_token(session.csrf_token, form.get("csrf", ""))
    return form
