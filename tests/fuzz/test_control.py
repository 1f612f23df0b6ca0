"""The control: what a fuzz of the services would have to find is found in an application that has it."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from chassis.openapi import complete
from chassis.problems import MEDIA_TYPE, problems
from tests.fuzz.fuzzing import Known, fuzz
from tests.openapi import Watch


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


async def fuzz_it(app: FastAPI) -> list[str]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await fuzz(app.openapi(), [client], Known({"thing_id": ["a"]}))


async def test_an_application_that_keeps_to_its_document_passes():
    assert await fuzz_it(toy(GOOD)) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (Response(b"{}", 500, media_type="application/json"), "Server error"),
        (Response(b"{}", 302, media_type="application/json"), "Undocumented status code"),
        (Response(b"hello", media_type="text/plain"), "Undocumented Content-Type"),
        (JSONResponse({"thing_id": "a", "size": None}), "Response violates schema"),
        (JSONResponse(FULL, 409, media_type=MEDIA_TYPE), "Missing required response headers"),
    ],
)
async def test_what_is_outside_the_document_is_found(answer, named):
    """With an answer of 500, or another than the document says, the same check finds it."""
    found = await fuzz_it(toy(answer))
    assert any(named in each for each in found), found


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
