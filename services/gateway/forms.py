"""Forms that pages send: small, from our own pages only, with the session's form token where there is one."""

import hmac
from collections.abc import Mapping

from fastapi import Request

from contracts.refusals import Forbidden
from services.gateway.handlers import Session

_OWN = frozenset({"same-origin", "none"})
_MAX_FIELDS = 100


async def read_form(request: Request) -> Mapping[str, str]:
    """The text fields of a form sent by one of our pages.

    Raises:
        Forbidden: CSRF_REFUSED where the browser says that another site sent it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in _OWN:
        raise Forbidden("CSRF_REFUSED")
    form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def require_form_token(expected: str, sent: str) -> None:
    """Let only a page that knows the cookie's form token change anything.

    Raises:
        Forbidden: CSRF_REFUSED.
    """
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Forbidden("CSRF_REFUSED")


async def read_session_form(request: Request, session: Session) -> Mapping[str, str]:
    """The fields of a form of a signed-in page.

    Raises:
        Forbidden: CSRF_REFUSED.
    """
    form = await read_form(request)
    require_form_token(session.csrf_token, form.get("csrf", ""))
    return form
