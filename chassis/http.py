"""HTTP: commands and queries with scope, versions, idempotency and problem answers."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from starlette.responses import Response

from chassis.acting import Done, acting
from chassis.acts import Acts, Read, UnnamedAct, acts_of, read_of, subject_in
from chassis.auth import PUBLIC, Principal, Role, TokenRefused
from chassis.db import Transaction
from chassis.fields import strict_numbers
from chassis.idempotency import KEY, IdempotentRequest, find_answer, fingerprint, keep_answer, owner_of
from chassis.issuer_keys import IssuerUnreachable
from chassis.knowing import wait_until_known
from chassis.preconditions import joined, read_if_match
from chassis.problems import problems
from chassis.refused import know
from chassis.sharing import Seat, Together
from chassis.texts import preferred_language
from contracts.identity_codes import HoldsIdentityCode
from contracts.refusals import Forbidden, IfMatch, Invalid, Refusal

if TYPE_CHECKING:
    from chassis.runtime import Runtime

__all__ = ["Answer", "Caller", "Command", "caller", "problems", "public_caller"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_ASKED = 100
"""Characters of a parameter that are recorded."""

_BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A token of the issuer, with one role")


class Command(BaseModel):
    """Parent of request bodies: unknown fields are refused, surrounding space is dropped, numbers are numbers."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return strict_numbers(handler(source))


@dataclass(frozen=True)
class Answer:
    """What a command or query answers.

    Args:
        body: a pydantic model, anything JSON has a form for, or bytes, whose content-type is among the headers.
        version: of the aggregate, answered as ETag.
        subject: (kind, id) of the aggregate; with `version` answered as `Rekku-Known`.
        also: (kind, id, version) of other aggregates that changed; answered in `Rekku-Known` too.
    """

    status: int
    body: Any
    version: int | None = None
    subject: tuple[str, str] | None = None
    also: tuple[tuple[str, str, int], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The HTTP response."""
        headers = dict(self.headers)
        if self.version is not None:
            headers["ETag"] = f'"{self.version}"'
            if self.subject is not None:
                known = ((*self.subject, self.version), *self.also)
                headers["Rekku-Known"] = ", ".join(f"{kind}:{name}@{version}" for kind, name, version in known)
        if isinstance(self.body, BaseModel):
            return Response(self.body.model_dump_json(), self.status, headers, "application/json")
        if isinstance(self.body, bytes):
            return Response(self.body, self.status, headers)
        return JSONResponse(self.body, self.status, headers)


Act = Callable[[Transaction], Awaitable[Answer]]


@dataclass(frozen=True)
class Caller:
    """One request: runs commands and queries in the scope of its principal.

    `knows` is whose word in `Rekku-Known` counts; nobody's for anonymous callers.
    """

    principal: Principal
    request: Request
    runtime: "Runtime"
    knows: Principal | None

    @property
    def language(self) -> str:
        """The language of the answer, by Accept-Language: fi, sv or en."""
        return preferred_language(self.request.headers.get("accept-language"))

    @property
    def acts(self) -> Acts:
        """What the audit can say was done in this service."""
        return self.runtime.service.audited

    @property
    def if_match(self) -> IfMatch | None:
        """The versions the caller will have changed, from If-Match.

        Raises:
            Invalid: IF_MATCH_INVALID.
        """
        return read_if_match(self.request.headers)

    async def command(self, act: Act, *on: str) -> Response:
        """Run `act` in one transaction with its audit rows; again on lost races, once per Idempotency-Key.

        Where `act` changes nothing, the first act that the route names is recorded, as `unchanged`.

        `on` are the ids of the aggregates it locks, beside the one that the address names first. Commands on one
        aggregate wait for one another without a connection; those that name none wait for nobody.
        """
        request = self._idempotent_request()
        await self._wait_until_known()
        return await self._alone(act, request, *islice(self.request.path_params.values(), 1), *on)

    async def shared_command(
        self,
        together: Together[Item, Result],
        item: Item,
        finish: Callable[[Transaction, Result], Answer],
        alone: Act,
        *on: str,
    ) -> Response:
        """As `command`, if possible in one transaction with others of its kind: `together` does them all.

        `finish` says what is answered, and emits. Where `together` leaves it out, or fails, `alone` runs it.
        """
        request = self._idempotent_request()
        await self._wait_until_known()

        def finished(tx: Transaction, result: Result) -> Response:
            with acting(tx, self.principal, self._route) as done:
                return self._recorded(tx, finish(tx, result), done)

        shared = await self.runtime.lane(together).share(Seat(item, self.principal, request, finished))
        return shared or await self._alone(alone, request, *on)

    async def _alone(self, act: Act, request: IdempotentRequest | None, *on: str) -> Response:
        async def work(tx: Transaction) -> Response:
            if request is not None:
                stored = await find_answer(tx, request)
                if stored is not None:
                    return stored
            with acting(tx, self.principal, self._route) as done:
                response = self._recorded(tx, await act(tx), done)
            if request is not None:
                keep_answer(tx, request, response)
            return response

        async def run(lock_wait: str) -> Response:
            return await self.runtime.database.run(work, self.principal, lock_wait=lock_wait)

        return await self.runtime.turns.run(on, run)

    def _recorded(self, tx: Transaction, answer: Answer, done: Done) -> Response:
        """The answer, with an audit row that names an act of the route; of anonymous callers there is none (E-30).

        Raises:
            UnnamedAct: something was published, and no act was recorded.
        """
        acts = acts_of(self.request.scope["route"])
        if acts and done.acts.isdisjoint(acts):
            if done.published and not done.acts:
                raise UnnamedAct(f"{self._route} published something and recorded no act")
            tx.audit(acts[0], self._subject(answer), unchanged=True)
        return answer.response()

    def _subject(self, answer: object) -> str:
        if isinstance(answer, Answer) and answer.subject:
            return ":".join(answer.subject)
        return subject_in(self.request.url.path, self.request.path_params)

    @property
    def _route(self) -> str:
        return f"{self.request.method} {self.request.scope['route'].path}"

    async def query(self, read: Act) -> Response:
        """Run `read` in one read-only transaction; where the route names a reading, as `read` does it."""
        return (await self.read(read)).response()

    async def read(self, read: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """What `read` finds in one read-only transaction; to be used where its answer takes a while to make.

        Where the route names a reading and an officer asks, nothing is shown before its audit row is committed.
        """
        await self._wait_until_known()
        found = await self.runtime.database.run(read, self.principal, readonly=True)
        reading = read_of(self.request.scope["route"])
        if reading is not None and self.principal.role is Role.OFFICER:
            await self.runtime.database.run(partial(self._note_reading, reading, self._subject(found)), self.principal)
        return found

    async def _note_reading(self, reading: Read, subject: str, tx: Transaction) -> None:
        """Which parts were asked for, by checked parameters, stands beside it; never what was shown."""
        with acting(tx, self.principal, self._route):
            tx.audit(
                reading, subject, asked={name: value[:_ASKED] for name, value in self.request.query_params.items()}
            )

    def _idempotent_request(self) -> IdempotentRequest | None:
        key = joined(self.request.headers, "idempotency-key")
        # An anonymous caller's answer is never kept: it could link a survey answer to its invitation (E-30).
        if key is None or self.principal.role is Role.PUBLIC:
            return None
        if not KEY.fullmatch(key):
            raise Invalid("IDEMPOTENCY_KEY_INVALID")
        return IdempotentRequest(
            principal=owner_of(self.principal),
            subject=self.principal.subject,
            route=self._route,
            key=key,
            request_hash=fingerprint(self.request, self.runtime.fingerprint_secret),
        )

    async def _wait_until_known(self) -> None:
        marks = joined(self.request.headers, "rekku-known")
        if marks and self.knows:
            await wait_until_known(self.runtime.database, self.runtime.service.known, marks, self.knows)


class Unauthenticated(Refusal):
    """No usable token (401)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("UNAUTHENTICATED")


def caller(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, with a token that has one of `roles`."""

    async def authenticated(
        request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
    ) -> Caller:
        runtime: Runtime = request.app.state.runtime
        if sent is None:
            raise Unauthenticated
        try:
            principal = await runtime.verifier.principal_of(sent.credentials.strip())
        except TokenRefused as error:
            raise Unauthenticated from error
        know(request, principal)
        if principal.role not in roles:
            raise Forbidden("NOT_ALLOWED", role=principal.role, allowed=sorted(roles))
        return Caller(principal, request, runtime, principal)

    authenticated.roles = frozenset(roles)  # type: ignore[attr-defined]
    return authenticated


async def public_caller(request: Request) -> Caller:
    """A dependency: anybody. A token is not needed; it is looked at where `Rekku-Known` comes with it.

    Without one, or with one that is not good, that header is ignored: waiting is for callers who are known.
    """
    runtime: Runtime = request.app.state.runtime
    knows = None
    if "rekku-known" in request.headers and (sent := await _BEARER(request)):
        with suppress(TokenRefused, IssuerUnreachable, HoldsIdentityCode):
            knows = await runtime.verifier.principal_of(sent.credentials.strip())
    return Caller(PUBLIC, request, runtime, knows)


@cache
def release() -> str:
    """The release that runs here."""
    return version("rekku")


operations = APIRouter(tags=["operations"])


@operations.get("/livez", include_in_schema=False)  # ignores what a probe adds: a refusal would end the process
async def livez(request: Request) -> Response:
    """Alive: the loop turns, and no background task is dead; one that waits for PostgreSQL is not."""
    runtime: Runtime = request.app.state.runtime
    alive = runtime.alive
    return JSONResponse({"alive": alive, "dead": sorted(runtime.tasks.dead)}, 200 if alive else 503)


@operations.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """Ready: HTTP and the database; bus lag and pauses raise alerts instead."""
    runtime: Runtime = request.app.state.runtime
    if not await runtime.database.answers():
        return JSONResponse({"ready": False, "why": "the database does not answer"}, 503)
    return JSONResponse({"ready": True})


@operations.get("/openapi.json", include_in_schema=False, response_class=JSONResponse)
async def show_document(request: Request) -> Response:
    """The OpenAPI document of this service."""
    return JSONResponse(request.app.openapi())


@operations.get("/version")
async def show_version(request: Request) -> dict[str, str]:
    """Which service this is, and its release."""
    return {"service": request.app.state.runtime.service.name, "version": release()}


class Progress(BaseModel):
    """How far this service's work has come; all zeros means at rest."""

    outbox: int
    lag: int
    timers_due: int
    dead_letters: int
    parked: int
    paused: int


@operations.get("/progress", response_model=Progress, responses=problems())
async def progress(here: Annotated[Caller, Depends(caller(Role.OFFICER, Role.SYSTEM))]) -> Response:
    """Rows waiting in the outbox, records not yet consumed, due timers, open dead letters."""
    runtime = here.runtime
    # Asked before there is a transaction: who holds one connection and waits for another waits for ever, if all do.
    lag = await runtime.lag()

    async def read(tx: Transaction) -> Answer:
        row = await tx.fetchrow(
            "SELECT (SELECT count(*) FROM outbox) AS outbox,"
            " (SELECT count(*) FROM timers WHERE due_at <= $1) AS timers_due,"
            " (SELECT count(*) FROM dead_letters WHERE state = 'open') AS dead_letters,"
            " (SELECT count(*) FROM parked_records) AS parked",
            tx.now,
        )
        if row is None:
            raise AssertionError("a query without FROM has one row")
        return Answer(200, Progress(**row, lag=lag, paused=runtime.paused))

    return await here.query(read)
