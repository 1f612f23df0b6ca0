"""Sign-in for development: choose a role, get a session. Production signs in with an identification service."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chassis import cleaning
from chassis.auth import DevIssuer, Role
from contracts.refusals import Invalid, NotFound
from services.gateway import attempts, handlers
from services.gateway.attempts import Attempt
from services.gateway.forms import read_form, read_session_form
from services.gateway.handlers import SESSION_LIFETIME
from services.gateway.visitor import Gateway, Visitor, gateway_of, visitor

_ROLES = {"provider": Role.PROVIDER, "officer": Role.OFFICER, "system": Role.SYSTEM}
_WRONG_ID = {
    "BUSINESS_ID_INVALID": "error-provider-id",
    "BUSINESS_ID_CHECK_DIGIT": "error-provider-id-check-digit",
}

router = APIRouter(tags=["sign-in"], include_in_schema=False)
issuer_router = APIRouter(tags=["sign-in"])


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
    attempt = attempts.begin()
    answer = _form_page(visitor, attempt, {})
    attempts.keep(attempt, visitor.request, answer, secure=visitor.gateway.secure)
    return answer


@router.post("/sign-in")
async def sign_in(visitor: Annotated[Visitor, Depends(visitor)], issuer: Issuer) -> Response:
    """Open a session in the chosen role; a session that was open before ends."""
    form = await read_form(visitor.request)
    attempt = attempts.find(visitor.request, form.get("csrf", ""))
    role = _ROLES.get(form.get("role", ""))
    provider_id = form.get("provider_id", "")
    if role is None:
        return _form_page(visitor, attempt, {"role": "error-role-unknown"}, form.get("role", ""), provider_id)
    try:
        acts_for = cleaning.business_id(provider_id) if role is Role.PROVIDER else None
    except Invalid as refused:
        return _form_page(visitor, attempt, {"provider_id": _WRONG_ID[refused.code]}, role, provider_id)
    token = issuer.token(role, acts_for, lifetime=SESSION_LIFETIME)
    subject = f"dev-{role}" if acts_for is None else f"dev-{role}-{acts_for}"
    old = visitor.session
    if old:
        await visitor.gateway.db.run(lambda tx: handlers.end_session(tx, old.cookie))
    session = await visitor.gateway.db.run(lambda tx: handlers.open_session(tx, role, acts_for, subject, token))
    answer = visitor.redirect("/provider" if acts_for else "/officer")
    attempts.end(attempt, answer)
    answer.set_cookie(
        visitor.gateway.session_cookie,
        session.cookie,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=visitor.gateway.secure,
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


def _form_page(
    visitor: Visitor, attempt: Attempt, problems: dict[str, str], role: str = "provider", provider_id: str = ""
) -> Response:
    return visitor.page(
        "sign_in.html",
        title=visitor.t("sign-in-title"),
        status=422 if problems else 200,
        csrf=attempt.form_token,
        chosen_role=role,
        chosen_provider=provider_id,
        problems=problems,
        errors=[(field, visitor.t(text)) for field, text in problems.items()],
    )
