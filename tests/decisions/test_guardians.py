"""Family courses: notices and answers are the guardian's (E-58)."""

from datetime import UTC, date, datetime

import pytest

from services.decisions import store
from tests.decisions.builders import (
    OTHER_PROVIDER,
    DecisionsUnderTest,
    a_description,
    described,
    expect,
    refusal,
    registered,
)
from tests.decisions.ending import swap
from tests.decisions.following import Following
from tests.decisions.test_concerns import close, discuss, file

FAMILY = "AUTISM_SEVERE_FAMILY"
HERE, THERE = "family", "family-elsewhere"


@pytest.fixture
async def family(decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """A family course's service with two providers, beside the usual one."""
    await decisions.know(
        described(a_description(service=FAMILY, family_course=True)),
        registered({2024: 9}, contract_id=HERE, service=FAMILY),
        registered({2024: 9}, contract_id=THERE, service=FAMILY, provider_id=OTHER_PROVIDER),
    )
    return decisions


def a_notice(given_by: str) -> dict[str, str]:
    return {"received_on": "2024-01-15", "channel": "phone", "given_by": given_by}


async def revoke(decisions: DecisionsUnderTest, decision: dict, given_by: str):
    path = f"/decisions/{decision['decision_ref']}/revocation"
    return await decisions.officer.post(path, json={"client_notice": a_notice(given_by)})


async def test_a_family_courses_decision_is_revoked_on_the_guardians_notice_only(family):
    """E-58, E-57: by a code, with nothing changed; out of a concern as well."""
    granted, doubted = [await family.grant(contract_id=HERE) for _ in range(2)]
    concern = expect(201, await file(family, doubted["decision_ref"]))
    expect(200, await discuss(family, concern))
    before = await family.said()
    assert refusal(await revoke(family, granted, "client"), 422) == ("GUARDIAN_NEEDED", {})
    assert refusal(await family.revoke(granted), 422)[0] == "GUARDIAN_NEEDED", "said by nobody, it is the client's"
    assert refusal(await close(family, concern, "revoke", a_notice("client")), 422)[0] == "GUARDIAN_NEEDED"
    assert (await family.states(granted, doubted), await family.said()) == (["granted"] * 2, before)
    expect(200, await revoke(family, granted, "guardian"))
    expect(200, await close(family, concern, "revoke", a_notice("guardian")))
    assert await family.states(granted, doubted) == ["revoked"] * 2


async def test_what_waits_is_withdrawn_by_the_guardian(family):
    """E-58, E-54: by the description of today, as nothing was decided yet."""
    await family.set_quota(0, service=FAMILY)
    waiting = await family.wait(contract_id=HERE)
    path = f"/decisions/{waiting['decision_ref']}/withdrawal"
    for given_by, status in (("client", 422), ("guardian", 200)):
        expect(status, await family.officer.post(path, json={"client_notice": a_notice(given_by)}))
    assert await family.states(waiting) == ["withdrawn"]


async def test_the_guardian_answers_and_changes_the_provider(family):
    """E-58, E-65: whom Kela could speak with is noted as it was; an answer is the guardian's."""
    kela = Following(family)
    decision = await family.grant(contract_id=HERE)
    ref = decision["decision_ref"]
    await family.clock.set(datetime(2024, 7, 20, 9, tzinfo=UTC))
    expect(201, await kela.contact(ref, "2024-07-20", "client"))
    for answer in (await kela.stay(ref, "2024-07-20", "2024-08-20"), await kela.wish(ref, "2024-07-20")):
        assert refusal(answer, 422) == ("GUARDIAN_NEEDED", {})
    assert [entry["kind"] for entry in (await kela.show(ref))["history"]] == ["contacted"]
    expect(200, await kela.wish(ref, "2024-07-20", "guardian"))
    assert refusal(await swap(family, decision, THERE), 422)[0] == "GUARDIAN_NEEDED"
    assert (await family.states(decision), await family.count(contract_id=THERE)) == (["granted"], (9, 0, 9))
    expect(201, await swap(family, decision, THERE, client_notice=a_notice("guardian")))


async def test_elsewhere_the_client_or_a_guardian_speaks(decisions):
    """E-58."""
    for given_by in ("client", "guardian"):
        expect(200, await revoke(decisions, await decisions.grant(), given_by))


async def test_the_description_of_the_day_of_the_decision_says_whose_notice_it_is(family):
    """E-58, E-13: a later version changes nothing for a decision given before."""
    before = await family.grant(contract_id=HERE)
    old = a_description(service=FAMILY, family_course=True, valid_to=date(2024, 1, 31))
    new = a_description(service=FAMILY, description_version=2, valid_from=date(2024, 2, 1))
    await family.know(described(old, new, version=2))
    await family.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    after = await family.grant(contract_id=HERE)
    assert refusal(await revoke(family, before, "client"), 422)[0] == "GUARDIAN_NEEDED"
    expect(200, await revoke(family, after, "client"))


async def test_control_without_the_guard_the_childs_word_ends_a_decision(family, monkeypatch):
    """E-58: the first test above fails where nobody asks what kind of course it is."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(store, "is_family_course", never)
    expect(200, await revoke(family, await family.grant(contract_id=HERE), "client"))
