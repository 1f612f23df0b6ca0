"""Clients whose disease group or age is known, against the real database and the real key store."""

from datetime import date

from chassis.auth import PUBLIC, Principal, Role
from contracts.courses import ClientMoved, ClientPinned
from contracts.decisions import ClientEligibility, ClientEligibilityChanged, ClientEligibilityErased
from contracts.keys import Purpose
from tests.courses.builders import (
    OTHER_PROVIDER,
    PROVIDER,
    a_description,
    descriptions_published,
    expect,
    refusal,
)
from tests.courses.consistency import assert_consistent


async def tell(courses, client_ref, version=1, **known):
    """The service hears what is known of a client, as the decisions service seals it."""
    document = ClientEligibility(**known).model_dump_json().encode()
    sealed = await courses.service.db.vault.seal(Purpose.ELIGIBILITY, client_ref, document)
    await courses.know(ClientEligibilityChanged(version=version, client_ref=client_ref, sealed=sealed))


async def for_adults_under_68(courses):
    await courses.know(descriptions_published(a_description(min_age=18, max_age=67), version=2))


async def test_who_is_known_not_to_fit_is_not_pinned(courses):
    """E-24: what the course allows is named, nothing of the client; nobody else's client is touched."""
    await for_adults_under_68(courses)
    course = await courses.a_course()
    group, age, fits = [await courses.grant() for _ in range(3)]
    await tell(courses, group.client_ref, disease_group="group_b")
    await tell(courses, age.client_ref, disease_group="group_a", birth_date=date(1956, 3, 4))
    await tell(courses, fits.client_ref, disease_group="group_a", birth_date=date(1956, 3, 5))
    refused = await courses.pin(course, group)
    assert refusal(refused) == ("TARGET_GROUP_MISMATCH", {"allowed": ["group_a"]})
    assert "group_b" not in refused.text
    refused = await courses.pin(course, age)
    assert refusal(refused) == ("AGE_MISMATCH", {"min_age": 18, "max_age": 67, "on": "2024-03-04"})
    assert "1956" not in refused.text
    assert expect(201, await courses.pin(course, fits))["warnings"] == []
    assert (await courses.get(course))["pinned"] == 1


async def test_of_whom_nothing_is_known_is_pinned_with_a_warning(courses):
    """E-24: nothing heard, nothing said, and an erased client are all unknown."""
    await for_adults_under_68(courses)
    course = await courses.a_course()
    unheard, unsaid, erased = [await courses.grant() for _ in range(3)]
    await tell(courses, unsaid.client_ref)
    await tell(courses, erased.client_ref, disease_group="group_b")
    await courses.service.db.vault.erase(erased.client_ref)
    for decision in (unheard, unsaid, erased):
        pinned = expect(201, await courses.pin(course, decision))
        assert pinned["warnings"] == ["DISEASE_GROUP_UNKNOWN", "AGE_UNKNOWN"]


async def test_a_client_is_not_moved_to_a_course_they_are_known_not_to_fit(courses):
    """E-24, E-26: news that comes after the pin ends no pin."""
    here, there = await courses.a_course(), await courses.a_course(target_groups=["group_b"])
    decision = await courses.grant()
    await courses.pin(here, decision)
    await tell(courses, decision.client_ref, disease_group="group_c")
    assert refusal(await courses.move(here, there, decision)) == ("TARGET_GROUP_MISMATCH", {"allowed": ["group_b"]})
    assert await courses.service.published(ClientMoved) == []
    assert (await courses.get(here))["pinned"] == 1
    await tell(courses, decision.client_ref, version=2, disease_group="group_b")
    assert expect(201, await courses.move(here, there, decision))["warnings"] == []
    await assert_consistent(courses.service)


async def test_the_newer_news_of_a_client_win_in_any_order(courses):
    """E-19, E-24: by version; delivered again they change nothing."""
    course = await courses.a_course()
    decision = await courses.grant()
    await tell(courses, decision.client_ref, version=2, disease_group="group_a")
    await tell(courses, decision.client_ref, version=1, disease_group="group_b")
    assert expect(201, await courses.pin(course, decision))["warnings"] == []
    assert len(await courses.service.published(ClientPinned)) == 1


async def test_the_list_of_pinnable_clients_says_who_does_not_fit_the_course(courses):
    """E-25, R-CRS-45: mismatches as reasons, what is unknown as warnings; the client's own data are not shown."""
    await for_adults_under_68(courses)
    course = await courses.a_course()
    group, age, unknown = [await courses.grant() for _ in range(3)]
    await tell(courses, group.client_ref, disease_group="group_b")
    await tell(courses, age.client_ref, disease_group="group_a", birth_year=1940)
    answer = await courses.provider.get("/pinnable-clients", params={"course_id": course["course_id"]})
    listed = {item["decision_ref"]: (item["reason"], item["warnings"]) for item in expect(200, answer)["items"]}
    assert listed == {
        group.decision_ref: ("target_group_mismatch", []),
        age.decision_ref: ("age_mismatch", []),
        unknown.decision_ref: (None, ["DISEASE_GROUP_UNKNOWN", "AGE_UNKNOWN"]),
    }
    assert "group_b" not in answer.text
    assert "1940" not in answer.text


async def test_a_broken_seal_is_as_good_as_nothing(courses):
    """E-24: it is logged and does not stop the provider."""
    course, decision = await courses.a_course(), await courses.grant()
    await tell(courses, decision.client_ref, disease_group="group_a")
    async with courses.service.transaction() as tx:
        await tx.execute("UPDATE client_eligibility SET sealed = 'AAAA'")
    assert expect(201, await courses.pin(course, decision))["warnings"] == ["DISEASE_GROUP_UNKNOWN"]


async def test_a_provider_sees_the_sealed_data_of_its_own_clients_only(courses):
    """The second wall: and nothing readable rests in the table."""
    decision = await courses.grant()
    await tell(courses, decision.client_ref, disease_group="group_a", birth_year=1940)
    await tell(courses, "client-without-a-decision", disease_group="group_b")
    for principal, rows in (
        (Principal("officer", Role.OFFICER), 2),
        (Principal("worker", Role.PROVIDER, PROVIDER), 1),
        (Principal("worker", Role.PROVIDER, OTHER_PROVIDER), 0),
        (PUBLIC, 0),
    ):
        async with courses.service.transaction(principal) as tx:
            found = await tx.fetch("SELECT client_ref, sealed FROM client_eligibility")
            assert len(found) == rows
        assert not any("group" in row["sealed"] or "1940" in row["sealed"] for row in found)


async def test_of_an_erased_client_nothing_is_known_and_nothing_older_comes_back(courses):
    """E-24, E-59: only a newer fact makes something known again."""
    await for_adults_under_68(courses)
    course, client = await courses.a_course(), await courses.grant()
    await tell(courses, client.client_ref, version=4, disease_group="group_b")
    assert refusal(await courses.pin(course, client))[0] == "TARGET_GROUP_MISMATCH"
    await courses.know(ClientEligibilityErased(version=5, client_ref=client.client_ref))
    async with courses.service.transaction() as tx:
        kept = await tx.fetchrow(
            "SELECT sealed, version FROM client_eligibility WHERE client_ref = $1", client.client_ref
        )
    assert tuple(kept) == (None, 5)
    await tell(courses, client.client_ref, version=4, disease_group="group_b")
    pinned = expect(201, await courses.pin(course, client))
    assert pinned["warnings"] == ["DISEASE_GROUP_UNKNOWN", "AGE_UNKNOWN"]
