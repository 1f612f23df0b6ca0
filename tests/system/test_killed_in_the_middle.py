"""Two instances share the courses service's work; one is killed in the middle of it, the other finishes."""

import asyncio
from collections import Counter

import httpx
import pytest

from contracts.courses import ClientPinned, ClientUnpinned
from contracts.values import PinState
from tests.system.actors import eventually
from tests.system.people import HEART, Client, ProviderOfStory, free_places

CLIENTS = 48
AT_ONCE = 8


async def test_nothing_is_lost_and_nothing_happens_twice(world, kela, running):
    provider = await ProviderOfStory.registered(world, service=HEART, announced=CLIENTS)
    courses = [await provider.publish_course(group_size=12, service=HEART) for _ in range(CLIENTS // 12)]
    victim = running.program("courses-2")
    first_pid = victim.process.pid
    at_once = asyncio.Semaphore(AT_ONCE)
    pinned: list[str] = []
    killed = asyncio.Event()

    async def one_client(number):
        """A client is granted and pinned; every third one is revoked at once."""
        async with at_once:
            decision = await kela.grant(Client(), provider)
            course = courses[number % len(courses)]
            await _pin(provider, course, decision, instance=1 + number % 2)
            pinned.append(decision["decision_ref"])
            if len(pinned) == CLIENTS // 3:
                victim.process.kill()
                killed.set()
            if number % 3 == 0:
                await kela.revoke(decision["decision_ref"])
                return decision["decision_ref"]
        return None

    revoked = {ref for ref in await asyncio.gather(*map(one_client, range(CLIENTS))) if ref}
    assert killed.is_set()

    async def it_came_back():
        return (
            victim.process.pid != first_pid and (await world.client.get(f"{world.url('courses', 2)}/readyz")).is_success
        )

    await eventually(_patient(it_came_back))
    await world.at_rest()
    pins = []
    for course in courses:
        pins += (await provider.me.get("courses", f"/courses/{course['course_id']}/pins"))["items"]
    active = {pin["decision_ref"] for pin in pins if pin["state"] == PinState.ACTIVE}
    assert active == set(pinned) - revoked
    assert len(pins) == len(pinned) == CLIENTS
    for course in courses:
        told = await provider.me.get("courses", f"/courses/{course['course_id']}")
        assert await free_places(world, course) == told["free_places"] == 12 - told["pinned"]
    ours = {course["course_id"] for course in courses}
    assert _each_once(await world.events("rekku.pins", ClientPinned), ours) == set(pinned)
    assert _each_once(await world.events("rekku.pins", ClientUnpinned), ours) == revoked
    for service in ("courses", "search", "decisions", "notifications", "registration"):
        told = await world.kela().get(service, "/progress")
        assert (told["dead_letters"], told["parked"]) == (0, 0)


async def _pin(provider, course, decision, instance):
    """As a careful client does: the same key again, at the other instance when one is gone."""
    key = f"pin-{decision['decision_ref']}"
    while True:
        try:
            return await provider.pin(course, decision, key=key, instance=instance)
        except httpx.TransportError:
            instance = 3 - instance


def _patient(condition):
    async def asked():
        try:
            return await condition()
        except httpx.TransportError:
            return False

    return asked


def _each_once(events, courses):
    counts = Counter(event.pin.decision_ref for event in events if event.pin.course_id in courses)
    assert set(counts.values()) <= {1}
    return set(counts)


@pytest.mark.parametrize("service", ["search", "notifications"])
async def test_a_killed_service_catches_up_with_what_it_missed(world, kela, running, service):
    provider = await ProviderOfStory.registered(world, service=HEART)
    course = await provider.publish_course(group_size=12, service=HEART)
    running.program(service).process.kill()
    decision = await kela.grant(Client(), provider)
    del world.known[:-1]

    async def pin():
        return await provider.pin(course, decision, key=f"pin-{decision['decision_ref']}")

    assert (await pin())["free_places"] == 11

    async def told():
        if service == "search":
            return await free_places(world, course) == 11
        inbox = await provider.me.get("notifications", "/messages")
        return [m["template"] for m in inbox["items"]].count("decision-received") == 1

    await eventually(_patient(told))
