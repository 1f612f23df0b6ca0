"""Surveys that are open and answered, and messages that have left."""

from random import Random
from typing import Any

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes.scene import Scene
from tests.notifications.builders import FULL_AGREEMENT, PROVIDER, Notifications, a_contract, a_full_count, a_service

OPEN_SURVEYS = 12


async def set_up(service: ServiceUnderTest) -> Scene:
    """More surveys than are answered by chance; a provider has a message in its inbox."""
    known = Known(await values_of(service), bodies={"POST /surveys/{token}/answers": answers})
    clients = [service.http(Role.PROVIDER, PROVIDER), service.http(Role.OFFICER), service.http(Role.SYSTEM)]
    return Scene.of(service, known, clients)


async def values_of(service: ServiceUnderTest) -> dict[str, list[Any]]:
    """Links of surveys, all but one of them open, and messages by which a list goes on."""
    notifications = Notifications(service)
    await notifications.deliver(a_service(), a_contract(), a_full_count())
    tokens = await notifications.surveys(OPEN_SURVEYS)
    assert (await notifications.answer(tokens[0], FULL_AGREEMENT)).status_code == 201
    messages = [message["message_id"] for message in await notifications.inbox()]
    return {"token": tokens, "after": messages}


def answers(random: Random) -> dict[str, Any]:
    """Scores for enough of the statements, mostly."""
    left_out = random.sample(range(1, 20), random.choice((0, 1, 4, 5)))
    return {"answers": {str(number): random.randint(1, 5) for number in range(1, 20) if number not in left_out}}
