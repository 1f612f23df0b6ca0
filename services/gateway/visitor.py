"""Who is looking at a page: language, session, and what the gateway can do on their behalf."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chassis.auth import DevIssuer, Principal, TokenVerifier
from chassis.db import Database
from chassis.failures import of_the_moment
from chassis.idempotency import KEY
from chassis.knowing import well_formed_marks
from chassis.refused import know
from chassis.settings import Settings
from chassis.texts import LANGUAGES, preferred_language, text_id
from contracts.refusals import Forbidden, Invalid, Refusal
from services.gateway import handlers
from services.gateway.handlers import Session
from services.gateway.rates import Meter
from services.gateway.upstreams import Reply, Upstreams
from services.gateway.wording import Wording, wording

LANGUAGE_COOKIE = "rekku-language"
_A_YEAR_S = 365 * 24 * 3600

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class SignInNeeded(Forbidden):
    """A page for signed-in people, opened by somebody who is not, or in another role."""

    def __init__(self) -> None:
        super().__init__("SIGN_IN_NEEDED")


def is_secure(settings: Settings) -> bool:
    """Whether browsers reach the gateway by https."""
    return settings.public_url.startswith("https://")


@dataclass(frozen=True)
class Gateway:
    """What the gateway's process holds, shared by all its requests; municipality names are kept once read."""

    settings: Settings
    db: Database
    upstreams: Upstreams
    meter: Meter
    verifier: TokenVerifier
    issuer: DevIssuer | None
    municipality_names: dict[str, list[str]] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """True where browsers reach the gateway by https."""
        return is_secure(self.settings)

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie; with https it is bound to this host by its prefix."""
        return "__Host-rekku-session" if self.secure else "rekku-session"


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves this request."""
    gateway = request.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the application was not configured as a gateway")
    return gateway


@dataclass(frozen=True)
class PageFrame:
    """What every page's frame shows around its content."""

    path: str
    language_links: Sequence[tuple[str, str]]
    navigation: Sequence[tuple[str, str]]
    session: Session | None
    csrf: str
    development: bool


def bare_frame(development: bool) -> PageFrame:
    """The frame of a page that must not repeat anything of its request."""
    links = [(code, f"/{code}") for code in LANGUAGES]
    return PageFrame("", links, _navigation(None), None, "", development)


def render(template: str, t: Wording, frame: PageFrame, **values: Any) -> str:
    """The text of a page; a value that its template misses is an error, never a blank."""
    return _PAGES.get_template(template).render(t=t, page=frame, **values)


@dataclass(frozen=True)
class Visitor:
    """One request of one person."""

    request: Request
    gateway: Gateway
    session: Session | None
    t: Wording
    chose_language: bool

    @property
    def language(self) -> str:
        """The language of the page."""
        return self.t.language

    @property
    def sign_in_lasts(self) -> dict[str, str]:
        """How long a sign-in lasts, as the texts say it: `idle` and `whole`."""
        limits = self.gateway.settings.sessions
        return {"idle": self.t.duration(limits.idle_s), "whole": self.t.duration(limits.whole_s)}

    def frame(self, at: str | None = None) -> PageFrame:
        """The frame of this visitor's page, which can be opened `at` that address; otherwise where it was asked for."""
        path = at or self.request.url.path
        return PageFrame(
            path=path,
            language_links=[(code, self._in_language(code, path)) for code in LANGUAGES],
            navigation=_navigation(self.session),
            session=self.session,
            csrf=self.session.csrf_token if self.session else "",
            development=self.gateway.settings.dev_issuer,
        )

    def _in_language(self, code: str, path: str) -> str:
        kept = [] if self.request.method == "POST" else list(self.request.query_params.multi_items())
        kept = [(name, value) for name, value in kept if name != "lang"]
        if path.strip("/") in ("", *LANGUAGES):
            return f"/{code}?{urlencode(kept)}" if kept else f"/{code}"
        return f"{path}?{urlencode([*kept, ('lang', code)])}"

    def page(self, template: str, *, title: str, status: int = 200, at: str | None = None, **values: Any) -> Response:
        """A rendered page; nothing of it is kept by caches on the way.

        A page that answers a form is not to be opened where the form was sent: its links lead to `at` instead.
        """
        text = render(template, self.t, self.frame(at), title=title, **values)
        answer = HTMLResponse(text, status, headers={"Content-Language": self.language})
        return self.keep_language(answer)

    def message(self, kind: str, *, status: int, at: str | None = None, **values: str) -> Response:
        """A page that says one thing: texts `<kind>-title` and `<kind>`."""
        title, text = self.t(f"{kind}-title"), self.t(kind, **values)
        return self.page("message.html", title=title, text=text, status=status, at=at)

    def redirect(self, address: str) -> Response:
        """Send the browser on to `address` after a form."""
        return self.keep_language(RedirectResponse(address, 303))

    def keep_language(self, answer: Response) -> Response:
        """Remember a language that was just chosen."""
        if self.chose_language:
            answer.set_cookie(
                LANGUAGE_COOKIE,
                self.language,
                max_age=_A_YEAR_S,
                httponly=True,
                samesite="lax",
                secure=self.gateway.secure,
            )
        return answer

    async def ask(self, service: str, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        """Read from a service on the visitor's behalf."""
        return await self.gateway.upstreams.ask(service, "GET", path, params=params, headers=self._headers())

    async def send(self, service: str, method: str, path: str, json: Any = None, *, key: str | None = None) -> Reply:
        """Write to a service on the visitor's behalf; `key` makes a form that is sent twice count once.

        Raises:
            Invalid: IDEMPOTENCY_KEY_INVALID.
        """
        if key is not None and not KEY.fullmatch(key):
            raise Invalid("IDEMPOTENCY_KEY_INVALID")
        headers = {**self._headers(), "Idempotency-Key": key or secrets.token_urlsafe(18)}
        reply = await self.gateway.upstreams.ask(service, method, path, json=json, headers=headers)
        await self.remember(reply.known)
        return reply

    def refusal(self, refusal: Refusal) -> Reply:
        """A refusal of the gateway's own as a service would have answered it."""
        text = self.request.app.state.runtime.texts.text(self.language, text_id(refusal.code), refusal.values)
        return Reply(refusal.status, {"code": refusal.code, "detail": text})

    async def remember(self, known: str) -> None:
        """Keep what a write's answer said, for the session's next requests (`Rekku-Known`)."""
        marks = well_formed_marks(known)
        session = self.session
        if session and marks:
            limits = self.gateway.settings.sessions
            await self.gateway.db.run(lambda tx: handlers.remember_known(tx, session.cookie, marks, limits))

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Language": self.language}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session.token}"
            if self.session.known:
                headers["Rekku-Known"] = ", ".join(self.session.known)
        return headers


def _navigation(session: Session | None) -> list[tuple[str, str]]:
    links = [("nav-search", "/"), ("nav-statistics", "/statistics")]
    if session and session.provider_id:
        links += [("nav-provider", "/provider"), ("nav-inbox", "/provider/messages")]
    if session and session.is_officer:
        links += [("nav-officer", "/officer")]
    if session:
        links += [("nav-sms", "/sms")]
    return links


async def find_session(request: Request, gateway: Gateway) -> Session | None:
    """The session of the request's cookie, if it has a living one."""
    cookie = request.cookies.get(gateway.session_cookie)
    if not cookie:
        return None
    async with gateway.db.transaction(readonly=True) as tx:
        session = await handlers.find_session(tx, cookie, gateway.settings.sessions)
    if session and session.rested:
        try:
            await gateway.db.run(lambda tx: handlers.use_session(tx, session))
        except Exception as error:
            # What can be read is answered also while nothing can be written.
            if not of_the_moment(error):
                raise
    return session


def chosen_language(request: Request) -> str | None:
    """The language this very request chooses: `/sv`, or `?lang=sv`."""
    first = request.url.path.strip("/")
    return first if first in LANGUAGES else request.query_params.get("lang")


def words_for(request: Request) -> Wording:
    """The wording of a request's language: just chosen, chosen before, or what the browser asks for."""
    asked = (chosen_language(request), request.cookies.get(LANGUAGE_COOKIE))
    language = next((each for each in asked if each in LANGUAGES), None)
    return wording(language or preferred_language(request.headers.get("accept-language")))


async def visitor(request: Request) -> Visitor:
    """The visitor of a page."""
    gateway = gateway_of(request)
    session = await find_session(request, gateway)
    if session:
        know(request, Principal(session.subject, session.role, session.provider_id))
    return Visitor(request, gateway, session, words_for(request), chosen_language(request) in LANGUAGES)


async def signed_in_visitor(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """A visitor signed in in whatever role.

    Raises:
        SignInNeeded: somebody else.
    """
    if not visitor.session:
        raise SignInNeeded
    return visitor


async def provider_visitor(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """A visitor signed in as a provider.

    Raises:
        SignInNeeded: somebody else.
    """
    if not visitor.session or not visitor.session.provider_id:
        raise SignInNeeded
    return visitor


async def officer_visitor(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """A visitor signed in as an officer or system of Kela.

    Raises:
        SignInNeeded: somebody else.
    """
    if not visitor.session or not visitor.session.is_officer:
        raise SignInNeeded
    return visitor
