"""Granting and rejecting: whose count, which year, what is refused."""

import asyncio
from datetime import UTC, datetime

import pytest

from chassis import cleaning
from contracts.decisions import AnnouncedCountFilled, DecisionGranted, DecisionRejected, QuotaFilled
from contracts.envelope import new_event_id
from contracts.values import Language
from tests.decisions.builders import (
    CONTRACT,
    COURSE,
    HEART,
    OTHER_CONTRACT,
    OTHER_PROVIDER,
    PROVIDER,
    RARE,
    a_description,
    an_application,
    announced,
    course_confirmed,
    described,
    expect,
    pinned,
    refusal,
    registered,
)


async def test_a_grant_takes_one_decision_of_the_count_and_says_so(decisions):
    """R-DEC-1, R-DEC-6, E-10, E-13, E-59."""
    granted = await decisions.grant(client_ref="client-x", application_ref="application-x")
    assert cleaning.decision_ref(granted["decision_ref"]) == granted["decision_ref"]
    assert (granted["provider_id"], granted["service"], granted["language"]) == (PROVIDER, RARE, "fi")
    assert (granted["decided_on"], granted["confirm_by"]) == ("2024-01-15", "2024-07-15")
    assert granted["new_client"] is True
    assert await decisions.count() == (100, 1, 99)
    assert (await decisions.quota())["used"] == 1
    [event] = await decisions.service.published(DecisionGranted)
    assert (event.version, event.decision.client_ref, event.decision.valid) == (1, "client-x", True)


async def test_the_answer_names_the_decision_and_its_version(decisions):
    answer = await decisions.apply()
    ref = expect(201, answer)["decision_ref"]
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["rekku-known"] == f"decision:{ref}@1"


async def test_the_same_application_gets_the_same_answer(decisions):
    """E-5, E-23: retry-safe by the application."""
    body = an_application()
    first = expect(201, await decisions.officer.post("/decisions", json=body))
    second = expect(201, await decisions.officer.post("/decisions", json=body))
    assert first == second
    assert await decisions.count() == (100, 1, 99)
    assert len(await decisions.service.published()) == 1


@pytest.mark.parametrize(
    "other", [{"client_ref": "somebody-else"}, {"outcome": "rejected"}, {"contract_id": OTHER_CONTRACT}]
)
async def test_a_decided_application_is_not_decided_otherwise(decisions, other):
    """E-5."""
    await decisions.know(registered({2024: 5}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER))
    body = an_application()
    first = expect(201, await decisions.officer.post("/decisions", json=body))
    code, values = refusal(await decisions.officer.post("/decisions", json=body | other))
    assert (code, values["decision_ref"]) == ("APPLICATION_DECIDED", first["decision_ref"])
    assert await decisions.count() == (100, 1, 99)


async def test_a_rejection_takes_nothing(decisions):
    """R-DEC-21, E-54."""
    body = an_application(outcome="rejected")
    rejected = expect(201, await decisions.officer.post("/decisions", json=body))
    assert (rejected["state"], rejected["decided_on"], rejected["new_client"]) == ("rejected", "2024-01-15", False)
    assert expect(201, await decisions.officer.post("/decisions", json=body)) == rejected
    assert await decisions.count() == (100, 0, 100)
    [event] = await decisions.service.published(DecisionRejected)
    assert event.decision.decision_ref == rejected["decision_ref"]


async def test_the_helsinki_day_of_the_decision_decides_the_year(empty_decisions):
    """Acceptance example 2, R-DEC-6, E-16."""
    decisions = empty_decisions
    await decisions.start({2025: 2, 2026: 5})
    for day in (30, 31):
        await decisions.clock.set(datetime(2025, 12, day, 10, tzinfo=UTC))
        await decisions.grant(applied_on="2025-12-01")
    await decisions.clock.set(datetime(2025, 12, 31, 21, 59, 59, tzinfo=UTC))
    code, values = refusal(await decisions.apply(applied_on="2025-12-01"))
    assert (code, values["year"], values["announced"], values["used"]) == ("ANNOUNCED_COUNT_FULL", 2025, 2, 2)
    await decisions.clock.set(datetime(2025, 12, 31, 22, 0, 0, tzinfo=UTC))
    granted = await decisions.grant(applied_on="2025-12-01")
    assert granted["decided_on"] == "2026-01-01"
    assert await decisions.count(2025) == (2, 2, 0)
    assert await decisions.count(2026) == (5, 1, 4)


@pytest.mark.parametrize(
    ("months", "given_at", "last_day"),
    [
        (6, datetime(2024, 8, 31, 9, tzinfo=UTC), "2025-02-28"),
        (4, datetime(2024, 10, 31, 9, tzinfo=UTC), "2025-02-28"),
    ],
)
async def test_the_deadline_follows_the_service_description(empty_decisions, months, given_at, last_day):
    """Acceptance example 4, R-CRS-19, R-CRS-20, E-13."""
    decisions = empty_decisions
    await decisions.know(described(a_description(confirm_within_months=months)), registered({2024: 5}))
    await decisions.clock.set(given_at)
    assert (await decisions.grant())["confirm_by"] == last_day


async def test_the_description_in_force_that_day_stays_with_the_decision(empty_decisions):
    """E-13."""
    decisions = empty_decisions
    old = a_description(valid_to=datetime(2024, 1, 31, tzinfo=UTC).date())
    new = a_description(
        description_version=2, valid_from=datetime(2024, 2, 1, tzinfo=UTC).date(), confirm_within_months=4
    )
    await decisions.know(described(old, new), registered({2024: 5}))
    before = await decisions.grant()
    await decisions.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    after = await decisions.grant()
    assert (before["description_version"], before["confirm_by"]) == (1, "2024-07-15")
    assert (after["description_version"], after["confirm_by"]) == (2, "2024-06-01")
    assert await decisions.get(before) == before | {"followup": {"pinned_to": None, "confirmed": False, "open": True}}


async def test_a_full_count_refuses_and_names_others_with_room(empty_decisions):
    """R-DEC-1, R-DEC-2, E-5: other providers of the same service and language, most room first."""
    decisions = empty_decisions
    await decisions.start({2024: 1})
    contract_differences = (
        {"contract_id": "roomy", "counts": {2024: 9}},
        {"contract_id": "tight", "counts": {2024: 2}},
        {"contract_id": "full", "counts": {2024: 0}},
        {"contract_id": "swedish", "counts": {2024: 9}, "language": Language.SV},
        {"contract_id": "next-year", "counts": {2025: 9}},
        {"contract_id": "ended", "counts": {2024: 9}, "valid_to": datetime(2023, 12, 31, tzinfo=UTC).date()},
    )
    for differences in contract_differences:
        await decisions.know(registered(**{"provider_id": OTHER_PROVIDER, **differences}))
    await decisions.grant()
    code, values = refusal(await decisions.apply())
    assert code == "ANNOUNCED_COUNT_FULL"
    assert (values["announced"], values["used"]) == (1, 1)
    assert values["others"] == [
        {"contract_id": "roomy", "provider_id": OTHER_PROVIDER, "left": 9, "distance_km": None},
        {"contract_id": "tight", "provider_id": OTHER_PROVIDER, "left": 2, "distance_km": None},
    ]
    [filled] = await decisions.service.published(AnnouncedCountFilled)
    assert (filled.count.used, filled.count.left, filled.version) == (1, 0, 1)


async def test_nothing_announced_or_zero_blocks_decisions(empty_decisions):
    """E-3: zero may be announced."""
    decisions = empty_decisions
    await decisions.know(described(), registered())
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"
    await decisions.know(announced({2024: 0}, version=2))
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"


async def test_a_raised_count_has_room_again(empty_decisions):
    """R-REG-9, R-CRS-50, E-6."""
    decisions = empty_decisions
    await decisions.start({2024: 1})
    await decisions.grant()
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"
    await decisions.know(announced({2024: 2}, version=2))
    await decisions.grant()
    assert await decisions.said() == [
        "DecisionGranted",
        "AnnouncedCountFilled",
        "AnnouncedCountReopened",
        "DecisionGranted",
        "AnnouncedCountFilled",
    ]


async def test_an_announcement_heard_twice_counts_once(empty_decisions):
    """E-67: by its event id, and by its version under another id."""
    decisions = empty_decisions
    await decisions.start({2024: 1})
    await decisions.grant()
    event, event_id = announced({2024: 2}, version=2), new_event_id()
    for _ in range(2):
        await decisions.service.deliver(event, event_id=event_id)
    await asyncio.gather(*(decisions.service.deliver(event) for _ in range(4)))
    assert await decisions.count() == (2, 1, 1)
    assert (await decisions.said()).count("AnnouncedCountReopened") == 1


async def test_a_caller_may_say_what_it_knows(decisions):
    """Design, deciding on copies: the answer of another service names the version to wait for."""
    await decisions.know(announced({2024: 7}, version=2), course_confirmed(version=3), pinned("0" * 13, version=4))
    known = f"contract:{CONTRACT}@2, service:{RARE}@1, course:{COURSE}@3, pin:{'0' * 13}@4, decision:X@9"
    answer = await decisions.officer.post("/decisions", json=an_application(), headers={"rekku-known": known})
    assert expect(201, answer)["state"] == "granted"


async def test_a_correction_below_what_is_used_takes_nothing_away(empty_decisions):
    """E-3: it leaves nothing free and shows as an overdrawn ledger."""
    decisions = empty_decisions
    await decisions.start({2024: 5})
    granted = [await decisions.grant() for _ in range(3)]
    await decisions.know(announced({2024: 2}, version=2))
    assert await decisions.count() == (2, 3, 0)
    assert refusal(await decisions.apply())[0] == "ANNOUNCED_COUNT_FULL"
    assert await decisions.states(*granted) == ["granted"] * 3


async def test_a_client_is_new_once_per_service(decisions):
    """E-8: a change of provider counts for the new contract, not for the national quota."""
    await decisions.know(
        registered({2024: 5}, contract_id=OTHER_CONTRACT, provider_id=OTHER_PROVIDER),
        described(a_description(service=HEART)),
        registered({2024: 5}, contract_id="heart", service=HEART),
    )
    first = await decisions.grant(client_ref="client-x")
    expect(200, await decisions.revoke(first))
    again = await decisions.grant(client_ref="client-x", contract_id=OTHER_CONTRACT)
    elsewhere = await decisions.grant(client_ref="client-x", contract_id="heart")
    assert [d["new_client"] for d in (first, again, elsewhere)] == [True, False, True]
    assert (await decisions.quota())["used"] == 1
    assert (await decisions.quota(service=HEART))["used"] == 1
    assert await decisions.count(contract_id=OTHER_CONTRACT) == (5, 1, 4)


async def test_an_estimate_never_blocks(decisions):
    """E-51, R-DEC-9; there is no quota until Kela sets one (R-DEC-10)."""
    body = {"estimate": 1}
    quota = expect(200, await decisions.officer.put(f"/estimates/{RARE}/2024", json=body))
    assert (quota["estimate"], quota["limit"], quota["remaining"]) == (1, None, None)
    for _ in range(3):
        await decisions.grant()
    assert (await decisions.quota())["used"] == 3
    assert not await decisions.service.published(QuotaFilled)


async def test_contracts_outside_their_validity_get_no_decisions(decisions):
    """E-45."""
    later = datetime(2024, 1, 16, tzinfo=UTC).date()
    ended = datetime(2024, 1, 14, tzinfo=UTC).date()
    await decisions.know(
        registered({2024: 5}, contract_id="later", valid_from=later),
        registered({2024: 5}, contract_id="ended", valid_to=ended),
        registered({2024: 5}, contract_id="today", valid_to=datetime(2024, 1, 15, tzinfo=UTC).date()),
    )
    for contract_id in ("later", "ended"):
        assert refusal(await decisions.apply(contract_id=contract_id))[0] == "CONTRACT_NOT_IN_FORCE"
    await decisions.grant(contract_id="today")


async def test_an_unknown_contract_is_not_found(decisions):
    assert refusal(await decisions.apply(contract_id="nobody"), 404)[0] == "CONTRACT_UNKNOWN"
    assert refusal(await decisions.apply(contract_id="nobody", outcome="rejected"), 404)[0] == "CONTRACT_UNKNOWN"


async def test_without_a_description_there_is_no_deadline_to_give(empty_decisions):
    """E-13: the copy has not come yet, so the caller tries again."""
    await empty_decisions.know(registered({2024: 5}))
    answer = await empty_decisions.apply()
    assert refusal(answer, 503)[0] == "SERVICE_DESCRIPTION_UNKNOWN"
    assert answer.headers["retry-after"]
    await empty_decisions.know(described())
    await empty_decisions.grant()


async def test_an_application_from_the_future_is_invalid(decisions):
    code, values = refusal(await decisions.apply(applied_on="2024-01-16"), 422)
    assert (code, values) == ("APPLIED_IN_FUTURE", {"today": "2024-01-15"})
    await decisions.grant(applied_on="2024-01-15", contract_id=CONTRACT)
