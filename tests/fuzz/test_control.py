"""The control: what a fuzz of the services would have to find is found in a service that has it."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from chassis.acts import Act, does
from chassis.auth import Role
from chassis.http import Caller, Command, caller, public_caller
from chassis.openapi import complete
from chassis.problems import MEDIA_TYPE, problems
from chassis.service import Service
from contracts.identity_codes import TextKind
from contracts.refusals import Refusal
from services.search.app import SERVICE as SEARCH
from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import Known, Played, fuzz
from tests.fuzz.judging import IDENTITY_CODE
from tests.openapi import Watch

PLAYED = 10
"""Requests of each kind for each operation: enough to meet every fault, however short the campaign is."""


class Thing(BaseModel):
    thing_id: str
    size: int


GOOD = Response('{"thing_id": "a", "size": 1}', media_type="application/json")
FULL = {"type": "urn:x", "title": "Full", "status": 409, "code": "FULL", "detail": "Full"}
pytestmark = pytest.mark.campaign("fuzz")

SPOKEN = {"content-language": "en"}


def toy(answer: Response) -> FastAPI:
    """One route that answers always the same."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/things/{thing_id}", response_model=Thing, responses=problems("GONE"))
    async def show(thing_id: str) -> Response:
        return answer

    complete(app.openapi(), {})
    return app


class ThingAct(Act):
    """What can be done to a thing."""

    ADD_THING = "add_thing"


class NewThing(Command):
    size: Annotated[int, Field(json_schema_extra={"maximum": 9})]


def service_with(answer: Response, *, unlucky: int | None = None, undocumented: str = "") -> Service:
    """A service with two operations; it fails on one size, and does not look at their limit."""
    router = APIRouter()

    @router.get("/things/{thing_id}", response_model=Thing, responses=problems("GONE"))
    async def show(thing_id: Annotated[str, TextKind.MACHINE], here: Annotated[Caller, Depends(public_caller)]) -> Any:
        return answer

    @router.post(
        "/things",
        status_code=200,
        response_model=Thing,
        responses=problems("THING_TOO_LARGE"),
        openapi_extra=does(ThingAct.ADD_THING),
    )
    async def add(body: NewThing, here: Annotated[Caller, Depends(caller(Role.OFFICER))]) -> Any:
        if body.size == unlucky:
            raise RuntimeError("one value too many")
        if body.size == 8:
            raise Refusal(undocumented or "COURSE_UNKNOWN")
        return GOOD

    return Service(name=SEARCH.name, root=SEARCH.root, router=router, acts=ThingAct)


@pytest.fixture(autouse=True)
def the_same_draw_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control has to meet what it looks for, so it draws nothing anew."""
    monkeypatch.setattr(fuzzing, "SEED", 1)


async def fuzz_it(new_service, service: Service, *, role: Role = Role.OFFICER, examples: int = PLAYED) -> Played:
    started = await new_service(service)
    document = started.runtime.app.openapi()
    own = {path: methods for path, methods in document["paths"].items() if path.startswith("/things")}
    known = Known({"thing_id": ["a"], "size": [1, 5, 8]})
    return await fuzz(document | {"paths": own}, [started.http(role)], known, examples)


async def test_a_value_that_an_operation_fails_on_is_found(new_service):
    played = await fuzz_it(new_service, service_with(GOOD, unlucky=5))
    assert [each for each in played.wrong if "POST /things answered 500" in each]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (Response(b"{}", 302, media_type="application/json"), "status 302"),
        (Response(b"hello", media_type="text/plain"), "media type text/plain"),
        (Response(b"Traceback (most recent call last)", media_type="text/plain"), "gives away"),
        (Response(b"{}", 503, media_type="application/json"), "not available"),
        (JSONResponse({"thing_id": "a", "size": None}), "is not of type"),
        (JSONResponse({"thing_id": IDENTITY_CODE, "size": 1}), "gives away"),
        (JSONResponse(FULL, 409, SPOKEN, MEDIA_TYPE), "refusal FULL"),
        (JSONResponse(FULL | {"code": "GONE"}, 409, SPOKEN, MEDIA_TYPE), "the language is not sv"),
    ],
)
async def test_what_no_answer_may_be_is_found(new_service, answer, named):
    """And nothing else of a service that is otherwise in order but for a limit that it does not keep."""
    played = await fuzz_it(new_service, service_with(answer))
    assert any("GET /things/{thing_id}" in each and named in each for each in played.wrong), played.found


async def test_a_refusal_that_is_not_documented_is_found(new_service):
    played = await fuzz_it(new_service, service_with(GOOD))
    assert any("refusal COURSE_UNKNOWN" in each for each in played.wrong), played.found


async def test_a_limit_of_the_document_that_nobody_keeps_is_found(new_service):
    played = await fuzz_it(new_service, service_with(GOOD, undocumented="THING_TOO_LARGE"), examples=30)
    assert [each for each in played.wrong if "Schema-violating request accepted" not in each] == []
    assert played.wrong


async def test_an_operation_that_only_refuses_is_counted_as_not_reached(new_service):
    """So that a fuzz whose tokens are no good does not pass."""
    played = await fuzz_it(new_service, service_with(GOOD), role=Role.PUBLIC)
    assert "POST /things" in played.unreached
    assert "GET /things/{thing_id}" not in played.unreached


async def test_an_application_that_takes_what_cannot_be_read_is_found():
    app = toy(GOOD)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        played = await fuzz(app.openapi(), [client], Known({"thing_id": ["a"]}), PLAYED)
    assert [each for each in played.wrong if each.endswith("what no operation takes is taken")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (GOOD, []),
        (Response(b"{}", 500, media_type="application/json"), ["status 500"]),
        (Response(b"{}", 302), ["status 302"]),
        (Response(b"hello", media_type="text/plain"), ["media type text/plain"]),
        (JSONResponse({"thing_id": "a", "size": None}), ['body: $.size null is not of type "integer"']),
        (JSONResponse(FULL, 409, media_type=MEDIA_TYPE), ["no Content-Language", "refusal FULL"]),
        (JSONResponse(FULL | {"code": "GONE"}, 409, SPOKEN, MEDIA_TYPE), []),
    ],
)
async def test_every_answer_of_the_services_tests_is_compared_with_the_document(answer, said):
    """An undocumented refusal code too: schemathesis does not know them, `tests/openapi.py` does."""
    app, found = toy(answer), []
    app.add_middleware(Watch, document=app.openapi(), found=found)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        await client.get("/things/a")
    assert found == [f"GET /things/{{thing_id}} answered {answer.status_code}: {each}" for each in said]
