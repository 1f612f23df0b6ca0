"""The quota fills, waits and opens; another system stops decisions; a full announced count refuses: step 6."""

import pytest

from contracts.decisions import DecisionsSuspended, QuotaFilled, SuspensionLifted
from contracts.envelope import new_event_id
from tests.system.actors import eventually
from tests.system.conftest import START
from tests.system.people import HEART, Client, ProviderOfStory


@pytest.fixture
async def provider(world):
    return await ProviderOfStory.registered(world, service=HEART, announced=40)


async def _quota(world):
    return await world.kela().get("decisions", f"/quotas/{HEART}/2024")


async def _state(world, decision):
    return (await world.kela().get("decisions", f"/decisions/{decision['decision_ref']}"))["state"]


async def test_a_full_quota_lets_applications_wait_until_it_is_raised(world, kela, provider):
    used = (await _quota(world))["used"]
    quota = await world.kela().put("decisions", f"/quotas/{HEART}/2024", {"limit": used + 1})
    assert quota["remaining"] == 1
    assert (await kela.grant(Client(), provider))["state"] == "granted"

    async def filled():
        events = await world.events("rekku.quotas", QuotaFilled)
        return any((e.quota.service, e.quota.limit) == (HEART, used + 1) for e in events)

    await eventually(filled)
    waiting = [await kela.grant(Client(), provider) for _ in range(2)]
    assert [decision["state"] for decision in waiting] == ["awaiting_quota", "awaiting_quota"]

    async def public_sees_it():
        told = (await world.public().get("search", "/quotas"))["items"]
        return ("full", HEART) in [(quota["status"], quota["service"]) for quota in told]

    await eventually(public_sees_it)
    await world.kela().put("decisions", f"/quotas/{HEART}/2024", {"limit": used + 2})

    async def the_first_proceeds():
        return await _state(world, waiting[0]) == "granted"

    await eventually(the_first_proceeds)
    assert await _state(world, waiting[1]) == "awaiting_quota"
    await world.kela().put("decisions", f"/quotas/{HEART}/2024", {"limit": None})

    async def the_second_proceeds():
        return await _state(world, waiting[1]) == "granted"

    await eventually(the_second_proceeds)


async def test_a_signal_from_another_system_stops_decisions_the_same_way(world, kela, provider):
    signal_id = str(new_event_id())
    signal = {"version": 1, "signal_id": signal_id, "service": HEART, "effective_at": START}
    await world.signal(DecisionsSuspended(**signal))

    async def suspended():
        return (await _quota(world))["suspended"]

    await eventually(suspended)
    waiting = await kela.grant(Client(), provider)
    assert waiting["state"] == "awaiting_quota"
    await world.signal(SuspensionLifted(**signal))

    async def proceeds():
        return await _state(world, waiting) == "granted"

    await eventually(proceeds)
    assert (await _quota(world))["suspended"] is False


async def test_a_full_announced_count_refuses_and_a_raised_one_grants(world, kela):
    provider = await ProviderOfStory.registered(world, service=HEART, announced=1)
    assert (await kela.grant(Client(), provider))["state"] == "granted"
    late = Client()
    body = {
        "application_ref": f"{late.ref}-application",
        "client_ref": late.ref,
        "contract_id": provider.contract_id,
        "applied_on": "2024-01-02",
        "outcome": "granted",
    }
    code, figures = await world.kela().refused("POST", "decisions", "/decisions", body)
    assert (code, figures["announced"]) == ("ANNOUNCED_COUNT_FULL", 1)
    await provider.announce(2)
    assert (await world.kela().post("decisions", "/decisions", body))["state"] == "granted"
