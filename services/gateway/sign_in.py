"""Sign-in for development: choose a role, get a session. Production signs in with an identification service.

Who meets the end of their session is led here, and back to where they were.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from chassis import cleaning
from chassis.auth import DevIssuer, Principal, Role
from chassis.problems import ProblemWriter
from contracts.refusals import Invalid, NotFound
from services.gateway import attempts, domain, handlers, kept_forms
from services.gateway.attempts import Attempt
from services.gateway.browser import is_page
from services.gateway.devices import device_of
from services.gateway.forms import read_form, read_session_form
from services.gateway.kept_forms import KeptForm
from services.gateway.visitor import Gateway, Visitor, gateway_of, visitor

_ROLES = {"provider": Role.PROVIDER, "officer": Role.OFFICER, "system": Role.SYSTEM}
_WRONG_ID = {
    "BUSINESS_ID_INVALID": "error-provider-id",
    "BUSINESS_ID_CHECK_DIGIT": "error-provider-id-check-digit",
}

_USER_AGENT = "user-agent"

router = APIRouter(tags=["sign-in"], include_in_schema=False)
issuer_router = APIRouter(tags=["sign-in"])


@dataclass(frozen=True)
class _Wanted:
    """Where somebody wants to be once signed in, and the form they had filled in."""

    address: str | None
    form: KeptForm | None = None


@dataclass(frozen=True)
class _Chosen:
    role: str = "provider"
    provider_id: str = ""


def dev_issuer(gateway: Annotated[Gateway, Depends(gateway_of)]) -> DevIssuer:
    """The development issuer.

    Raises:
        NotFound: SIGN_IN_OFF where there is none, as in production.
    """
    if gateway.issuer is None:
        raise NotFound("SIGN_IN_OFF")
    return gateway.issuer


Issuer = Annotated[DevIssuer, Depends(dev_issuer)]


@router.get("/sign-in")
async def sign_in_page(visitor: Annotated[Visitor, Depends(visitor)], _: Issuer) -> Response:
    """The form that chooses a role; each time it is opened an attempt of its own."""
    address = visitor.request.query_params.get("next", "")
    why = _why(visitor) if address and not visitor.session else None
    return _open_form(visitor, _Wanted(domain.own_address(address)), why=why)


@router.post("/sign-in")
async def sign_in(visitor: Annotated[Visitor, Depends(visitor)], issuer: Issuer) -> Response:
    """Open a session in the chosen role, and lead back to where somebody was; one that was open before ends."""
    form = await read_form(visitor.request)
    attempt = attempts.find(visitor.request, form.get("csrf", ""))
    wanted = _Wanted(domain.own_address(form.get("next", "")), kept_forms.form_carried_by(form))
    role = _ROLES.get(form.get("role", ""))
    chosen = _Chosen(form.get("role", ""), form.get("provider_id", ""))
    if role is None:
        return _form_page(visitor, attempt, wanted, chosen, {"role": "error-role-unknown"})
    try:
        acts_for = cleaning.business_id(chosen.provider_id) if role is Role.PROVIDER else None
    except Invalid as refused:
        return _form_page(visitor, attempt, wanted, chosen, {"provider_id": _WRONG_ID[refused.code]})
    limits = visitor.gateway.settings.sessions
    token = issuer.token(role, acts_for, lifetime=timedelta(seconds=limits.whole_s))
    subject = f"dev-{role}" if acts_for is None else f"dev-{role}-{acts_for}"
    principal = Principal(subject, role, acts_for, visitor.gateway.settings.issuer)
    # Named by a constant: of this header only known names of browsers are looked for (E-59).
    device = device_of(visitor.request.headers.get(_USER_AGENT, ""))
    session = await visitor.gateway.db.run(
        lambda tx: handlers.open_session(tx, principal, token, limits, device, visitor.session)
    )
    if wanted.form:
        answer = kept_forms.show_again(replace(visitor, session=session), wanted.form)
    else:
        answer = visitor.redirect(wanted.address or ("/provider" if acts_for else "/officer"))
    attempts.end(attempt, answer)
    # Without an age: the browser forgets it when it is closed, and until then can be told that its session ended.
    answer.set_cookie(
        visitor.gateway.session_cookie, session.cookie, httponly=True, samesite="lax", secure=visitor.gateway.secure
    )
    return answer


@router.post("/sign-out")
async def sign_out(visitor: Annotated[Visitor, Depends(visitor)]) -> Response:
    """End the session, here and in the database."""
    session = visitor.session
    if session:
        await read_session_form(visitor.request, session)
        await visitor.gateway.db.run(lambda tx: handlers.end_session(tx, session.cookie))
    answer = visitor.redirect("/")
    answer.delete_cookie(visitor.gateway.session_cookie, secure=visitor.gateway.secure, httponly=True)
    return answer


@issuer_router.get("/dev-issuer/jwks.json")
async def show_keys(issuer: Issuer) -> dict[str, Any]:
    """The development issuer's public keys; absent in production."""
    return issuer.jwks()


@issuer_router.get("/.well-known/openid-configuration")
async def show_configuration(_: Issuer, gateway: Annotated[Gateway, Depends(gateway_of)]) -> dict[str, Any]:
    """Where the development issuer's keys are; absent in production."""
    return {
        "issuer": gateway.settings.issuer,
        "jwks_uri": f"{gateway.settings.public_url.rstrip('/')}/dev-issuer/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


async def on_sign_in_needed(request: Request, refused: Exception) -> Response:
    """Lead somebody who is not signed in, or no longer, to the sign-in, and from there back; a form is not lost.

    Who asks for no page or cannot sign in here is refused; and who is signed in in another role, unless it is to
    send a form of this one.
    """
    asking = await visitor(request)
    possible = asking.gateway.issuer is not None and is_page(request.scope)
    form = kept_forms.form_in(request) if possible else None
    if form:
        return _open_form(asking, _Wanted(None, form), why=_why(asking), status=403)
    if asking.session or not possible:
        problems: ProblemWriter = request.app.state.problems
        return await problems.on_refusal(request, refused)
    path, query = request.url.path, request.url.query
    if request.method not in ("GET", "HEAD"):
        path, query = path.rpartition("/")[0] or "/", ""
    return asking.redirect(f"/sign-in?{urlencode({'next': f'{path}?{query}' if query else path})}")


def _why(visitor: Visitor) -> str:
    """Why somebody has to sign in: in another role, because the session of their cookie has ended, or newly."""
    if visitor.session:
        return visitor.t("sign-in-other-role")
    if visitor.gateway.session_cookie not in visitor.request.cookies:
        return visitor.t("sign-in-needed")
    return visitor.t("sign-in-ended", **visitor.sign_in_lasts)


def _open_form(visitor: Visitor, wanted: _Wanted, *, why: str | None, status: int = 200) -> Response:
    attempt = attempts.begin()
    answer = _form_page(visitor, attempt, wanted, _Chosen(), {}, why=why, status=status)
    attempts.keep(attempt, visitor.request, answer, secure=visitor.gateway.secure)
    return answer


def _form_page(
    visitor: Visitor,
    attempt: Attempt,
    wanted: _Wanted,
    chosen: _Chosen,
    problems: dict[str, str],
    *,
    why: str | None = None,
    status: int = 422,
) -> Response:
    return visitor.page(
        "sign_in.html",
        title=visitor.t("sign-in-title"),
        status=status,
        at="/sign-in",
        csrf=attempt.form_token,
        next=wanted.address or "",
        carried=wanted.form.carried if wanted.form else {},
        why=why,
        chosen_role=chosen.role,
        chosen_provider=chosen.provider_id,
        problems=problems,
        errors=[(field, visitor.t(text)) for field, text in problems.items()],
    )
