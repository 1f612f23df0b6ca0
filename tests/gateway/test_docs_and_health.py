"""The readable OpenAPI pages and /healthz."""

from services.gateway.openapi_view import TypeText, read_api

DOCUMENT = {
    "info": {"title": "Sample", "version": "1"},
    "paths": {
        "/version": {"get": {"tags": ["operations"], "responses": {}}},
        "/things/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 9}}
            ],
            "put": {
                "summary": "Set thing",
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "200": {"description": "Done"},
                    "4XX": {"description": "Refused: `B`", "x-refusals": ["B", "A"]},
                },
            },
        },
    },
    "components": {
        "schemas": {
            "Thing": {
                "required": ["tags"],
                "properties": {
                    "tags": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}, "maxItems": 3},
                    "day": {"type": "string", "format": "date"},
                },
            },
            "Tag": {"enum": ["a", "b"], "type": "string"},
        }
    },
}


def test_a_document_is_read_with_shared_parameters_bodies_and_refusals():
    api = read_api(DOCUMENT)
    thing, version = api.operations
    assert (thing.method, thing.path, version.path) == ("PUT", "/things/{id}", "/version")
    assert [(p.name, p.place, p.required, p.type.text, p.type.bounds) for p in thing.parameters] == [
        ("id", "path", True, "string", "≤ 9 chars"),
        ("q", "query", False, "integer | null", ""),
    ]
    assert thing.body == TypeText("Thing", "Thing")
    assert thing.refusals == ("A", "B")


def test_data_structures_name_the_types_of_their_fields():
    tag, thing = read_api(DOCUMENT).schemas
    assert tag.values == ("a", "b")
    assert [(f.name, f.type.text, f.type.schema, f.type.bounds, f.required) for f in thing.fields] == [
        ("tags", "[Tag]", "Tag", "≤ 3 items", True),
        ("day", "string (date)", None, "", False),
    ]


async def test_a_services_document_is_a_page(gateway, courses):
    page = await gateway.browser("sv").get("/docs/courses")
    assert page.status_code == 200
    assert "Avslagskoder" in page.text
    for code in ("COURSE_FULL", "DECISION_REVOKED", "PLACE_LEDGER_FULL"):
        assert f"<code>{code}</code>" in page.text
    assert 'href="#schema-CourseView"' in page.text
    assert 'id="schema-CourseView"' in page.text


async def test_the_index_lists_every_service_also_one_that_is_down(gateway, courses):
    gateway.put_behind(courses, search="http://127.0.0.1:9")
    page = await gateway.browser("en").get("/docs")
    assert 'href="/docs/courses"' in page.text
    assert "The service does not answer right now." in page.text
    assert (await gateway.browser("en").get("/docs/search")).status_code == 503
    assert (await gateway.browser("en").get("/docs/nothing")).status_code == 404


async def test_the_raw_document_is_the_services_own(gateway, courses):
    raw = (await gateway.browser().get("/docs/courses/openapi.json")).json()
    assert raw == courses.runtime.app.openapi()


async def test_health_is_that_of_everything_behind(gateway, courses):
    healthy = await gateway.browser().get("/healthz")
    assert (healthy.status_code, healthy.json()) == (
        200,
        {"ready": True, "services": {"gateway": True, "courses": True}},
    )
    gateway.put_behind(courses, search="http://127.0.0.1:9")
    ill = await gateway.browser().get("/healthz")
    assert (ill.status_code, ill.json()["services"]) == (503, {"gateway": True, "courses": True, "search": False})
