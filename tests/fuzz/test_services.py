"""Every service answers whatever fits its document, what does not, and what is broken, as its document says."""

from collections.abc import Awaitable, Callable

import pytest

from chassis.service import Service
from chassis.testing import ServiceUnderTest
from services.courses.app import SERVICE as COURSES
from services.decisions.app import SERVICE as DECISIONS
from services.gateway.app import SERVICE as GATEWAY
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.registration.app import SERVICE as REGISTRATION
from services.search.app import SERVICE as SEARCH
from tests import campaigns
from tests.conftest import NewService
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.scenes import courses, decisions, gateway, notifications, registration, search
from tests.fuzz.scenes.scene import Scene

pytestmark = [pytest.mark.campaign("fuzz"), pytest.mark.usefixtures("impatient")]

SCENES: dict[Service, Callable[[ServiceUnderTest], Awaitable[Scene]]] = {
    REGISTRATION: registration.set_up,
    COURSES: courses.set_up,
    DECISIONS: decisions.set_up,
    NOTIFICATIONS: notifications.set_up,
    SEARCH: search.set_up,
}


REACHED, REACHED_WHOLE = 0.3, 0.6
"""The share of a service's operations that do what they are for at least once, in a short run and in a whole one."""


async def scene_of(service: Service, new_service: NewService) -> Scene:
    started = await new_service(service)
    if service is not GATEWAY:
        return await SCENES[service](started)
    return await gateway.set_up(started, {each.name: await new_service(each) for each in SCENES})


@pytest.mark.parametrize("service", [*SCENES, GATEWAY], ids=lambda service: service.name)
async def test_nothing_is_answered_outside_the_document(service, new_service, record_property):
    """No 500 and no answer outside the document, in the language asked for, for every role and for nobody."""
    scene = await scene_of(service, new_service)
    played = await fuzz(scene.document, scene.clients, scene.known)
    record_property("figures", f"{service.name}: {played}")
    assert not played.found, "\n".join(played.found)
    assert played.reached >= (REACHED_WHOLE if campaigns.is_whole("fuzz") else REACHED), played.unreached
