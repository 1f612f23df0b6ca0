"""Apache Kafka that heeds rights: everybody may do everything, but for what is taken away for a while."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from chassis.kafka.cluster import KafkaCluster

_ITSELF = "cluster"
"""Who brokers are to their controllers; no rights are known yet when they first ask, so it needs none."""

_LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    f' username="{_ITSELF}" password="{_ITSELF}" user_{_ITSELF}="{_ITSELF}";'
)
_EVERYBODY = ("User:*", "*")


class KafkaWithRights(KafkaCluster):
    """Brokers with an authorizer; only controllers are asked by name, clients come as before."""

    def _properties(self, number: int, ports: dict[int, tuple[int, int]]) -> dict[str, str | int]:
        return super()._properties(number, ports) | {
            "listener.security.protocol.map": "CONTROLLER:SASL_PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": _LOGIN,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "super.users": f"User:{_ITSELF}",
        }


@contextlib.asynccontextmanager
async def taken_away(admin: AdminClient, kind: ResourceType, name: str, right: AclOperation) -> AsyncIterator[None]:
    """Nobody has this right to a topic or a group; every other right to it stays."""
    await take_away(admin, kind, name, right)
    try:
        yield
    finally:
        await give_back(admin, kind, name)


async def take_away(admin: AdminClient, kind: ResourceType, name: str, right: AclOperation) -> None:
    """As `taken_away`, until `give_back`. Where something is kept of a topic, what is not allowed is refused."""
    of_it = (kind, name, ResourcePatternType.LITERAL, *_EVERYBODY)
    for binding in (
        AclBinding(*of_it, AclOperation.ALL, AclPermissionType.ALLOW),
        AclBinding(*of_it, right, AclPermissionType.DENY),
    ):
        await asyncio.gather(*map(asyncio.wrap_future, admin.create_acls([binding]).values()))
    await _until_known(admin, kind, name, 2)


async def give_back(admin: AdminClient, kind: ResourceType, name: str) -> None:
    """Everybody may do everything with it again."""
    deleted = admin.delete_acls([_all_of(kind, name)])
    await asyncio.gather(*map(asyncio.wrap_future, deleted.values()))
    await _until_known(admin, kind, name, 0)


async def _until_known(admin: AdminClient, kind: ResourceType, name: str, count: int) -> None:
    """What a controller has agreed to is known to the brokers a moment later."""
    while len(await asyncio.wrap_future(admin.describe_acls(_all_of(kind, name)))) != count:
        await asyncio.sleep(0.02)


def _all_of(kind: ResourceType, name: str) -> AclBindingFilter:
    return AclBindingFilter(
        kind, name, ResourcePatternType.LITERAL, *_EVERYBODY, AclOperation.ANY, AclPermissionType.ANY
    )
