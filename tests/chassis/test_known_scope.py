"""Through `Rekku-Known` a provider learns nothing about another's: every subject of every service."""

from dataclasses import replace

import pytest

from chassis import knowing
from chassis.auth import Principal, Role
from chassis.service import KnownVersion, Service
from chassis.testing import ServiceUnderTest
from services.search.app import SERVICE as SEARCH
from tests.chassis.test_layers import ALL
from tests.conftest import NewService
from tests.search.builders import Search, a_course, a_feedback_average, a_quota, choice_information

OTHER = "1572860-0"
KELAS = {"service", "quota"}
"""Of no provider, and public."""
SUBJECTS = {
    "provider": "2828286-3",
    "office": "office-kuopio",
    "contract": "contract-fi",
    "service": "CARDIAC_ADULT",
    "course": "course-976",
    "choice-information": "office-kuopio/CARDIAC_ADULT",
    "feedback": "office-kuopio/CARDIAC_ADULT",
    "quota": "CARDIAC_ADULT/2024",
}


async def looks_at_the_scope(service: ServiceUnderTest, known: KnownVersion) -> bool:
    """Whether PostgreSQL leaves out what the caller may not see, by how it would answer this subject's question."""
    asked: list[str] = []

    async def fetchval(sql: str, *args: object) -> object:
        asked.append(sql)
        return await tx.connection.fetchval(sql, *args)

    caller = Principal(subject="p", role=Role.PROVIDER, provider_id=OTHER)
    async with service.db.transaction(caller, readonly=True) as tx:
        tx.fetchval = fetchval  # type: ignore[method-assign]
        await known(tx, "whatever")
        plan = await tx.fetch("EXPLAIN (VERBOSE) " + asked[-1].replace("$1", "'whatever'"))
    return "rekku.scope" in "\n".join(line[0] for line in plan)


@pytest.mark.parametrize("service", [each for each in ALL if each.known], ids=lambda service: service.name)
async def test_every_subject_is_looked_up_within_the_callers_scope(new_service: NewService, service: Service):
    under_test = await new_service(service)
    seen = {kind: await looks_at_the_scope(under_test, known) for kind, known in service.known.items()}
    assert seen == {kind: kind not in KELAS for kind in service.known}


async def test_control_without_it_this_is_seen(new_service: NewService):
    async def without_scope(tx, name):
        return await tx.fetchval("SELECT version FROM offices WHERE office_id = $1", name)

    search = await new_service(replace(SEARCH, known={"office": without_scope}))
    assert not await looks_at_the_scope(search, without_scope)


@pytest.fixture
async def search(new_service: NewService) -> Search:
    one = Search(await new_service(SEARCH))
    await one.given_one_office(a_course(2), a_feedback_average(3), a_quota(4), choice_information(1))
    return one


@pytest.mark.parametrize("kind", SUBJECTS)
async def test_in_the_search_anothers_is_as_if_it_were_not_there(search: Search, kind: str, monkeypatch):
    monkeypatch.setattr(knowing, "_WAIT_S", 0.05)
    asked = {}
    for who, provider_id in (("own", "2828286-3"), ("another's", OTHER)):
        for name in (SUBJECTS[kind], "missing"):
            http = search.service.http(Role.PROVIDER, provider_id)
            answer = await http.get("/offices", headers={"rekku-known": f"{kind}:{name}@1"})
            asked[who, name] = answer.status_code, answer.json().get("code"), answer.json().get("values")
    assert asked["own", SUBJECTS[kind]][0] == 200
    assert asked["own", "missing"][0] == asked["another's", "missing"][0] == 503
    if kind not in KELAS:
        assert asked["another's", SUBJECTS[kind]] == asked["another's", "missing"]


def test_every_subject_of_the_search_is_asked_for():
    assert set(SUBJECTS) == set(SEARCH.known)
