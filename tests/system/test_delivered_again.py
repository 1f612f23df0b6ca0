"""Everything delivered a second time, in whole topics and out of step with one another, changes nothing."""

from tests.system.actors import eventually
from tests.system.people import HEART, Client, ProviderOfStory, free_places
from tests.system.test_killed_in_the_middle import _patient


async def _what_everybody_says(world, provider, course):
    """The provider's whole picture, over all services."""
    kela = world.kela()
    return {
        "course": await provider.me.get("courses", f"/courses/{course['course_id']}"),
        "pins": await provider.me.get("courses", f"/courses/{course['course_id']}/pins"),
        "contract": await provider.me.get("registration", f"/contracts/{provider.contract_id}"),
        "decisions": await provider.me.get("decisions", "/decisions"),
        "inbox": await provider.me.get("notifications", "/messages", limit=500),
        "statistics": await kela.get("notifications", "/statistics"),
        "found": await world.public().get("search", f"/courses/{course['course_number']}"),
    }


async def test_a_second_delivery_of_every_topic_changes_nothing(world, kela, running):
    provider = await ProviderOfStory.registered(world, service=HEART)
    course = await provider.publish_course(group_size=10, service=HEART)
    decisions = [await kela.grant(Client(), provider) for _ in range(7)]
    for decision in decisions:
        await provider.pin(course, decision)
    await kela.revoke(decisions[0]["decision_ref"])
    await world.at_rest()
    assert await free_places(world, course) == 4
    before = await _what_everybody_says(world, provider, course)
    sizes = await world.sizes()

    await world.bus.read_all_again()
    world.known.clear()
    assert not await world.bus.all_read()
    await eventually(world.bus.all_read, within_s=60)
    await eventually(_patient(_ready(world, running)), within_s=60)
    await world.at_rest()
    assert await _what_everybody_says(world, provider, course) == before
    assert await world.sizes() == sizes


def _ready(world, running):
    async def ready():
        for program in running.programs:
            await world.client.get(f"http://127.0.0.1:{program.port}/livez")
        return True

    return ready
