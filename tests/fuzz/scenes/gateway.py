"""The gateway with all five services behind it, by its own operations and by theirs."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from chassis.auth import Role
from chassis.limits import Rates
from chassis.testing import ServiceUnderTest
from services.gateway import domain
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes import notifications, search
from tests.fuzz.scenes.scene import Scene
from tests.gateway.builders import GatewayUnderTest

_MANY = 1_000_000
_PASSED_ON = ("search", "notifications")
"""Services whose documents hold behind the gateway too: few operations, with a token and without."""


def in_front_of(service: ServiceUnderTest, behind: Mapping[str, ServiceUnderTest]) -> GatewayUnderTest:
    """The gateway, which lets a fuzz through."""
    gateway = GatewayUnderTest(service)
    gateway.allow(**dict.fromkeys(Rates.model_fields, _MANY))
    gateway.put_behind(*behind.values())
    return gateway


async def set_up(service: ServiceUnderTest, behind: Mapping[str, ServiceUnderTest]) -> Scene:
    """One document of everything that machines ask the gateway for."""
    in_front_of(service, behind)
    values = await search.values_of(behind["search"]) | await notifications.values_of(behind["notifications"])
    document = _with_services(service.runtime.app.openapi(), behind)
    clients = [service.http(Role.OFFICER), service.http(Role.PROVIDER, search.PROVIDER), service.http(None)]
    bodies = {"POST /api/notifications/surveys/{token}/answers": notifications.answers}
    return Scene(document, clients, Known(values, bodies=bodies))


def _with_services(document: Mapping[str, Any], behind: Mapping[str, ServiceUnderTest]) -> dict[str, Any]:
    """The gateway's document, and those of services under the address that it passes on."""
    paths, schemas = dict(document["paths"]), dict(document["components"]["schemas"])
    for name in _PASSED_ON:
        theirs = deepcopy(behind[name].runtime.app.openapi())
        schemas |= theirs["components"]["schemas"]
        for path, methods in theirs["paths"].items():
            if domain.is_probe(path[1:]):
                continue
            paths[f"/api/{name}{path}"] = methods
            for operation in methods.values():
                operation["responses"]["4XX"]["x-general-refusals"].append("UNKNOWN_PATH")
    return {**document, "paths": paths, "components": {**document["components"], "schemas": schemas}}
