"""A topic that nobody may write for a while, as where somebody has taken a right away."""

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

RIGHTS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""Settings of brokers that heed rights, and let everybody do everything where none are kept."""

_EVERYBODY = ("User:*", "*")


@contextlib.asynccontextmanager
async def nobody_may_write(admin: AdminClient, topic: str) -> AsyncIterator[None]:
    """Everything but writing stays allowed: a topic about which something is kept is closed otherwise."""
    of_topic = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, *_EVERYBODY)
    kept = [
        AclBinding(*of_topic, AclOperation.ALL, AclPermissionType.ALLOW),
        AclBinding(*of_topic, AclOperation.WRITE, AclPermissionType.DENY),
    ]
    for binding in kept:
        await _done(admin.create_acls([binding]))
    try:
        yield
    finally:
        await _done(admin.delete_acls([AclBindingFilter(*of_topic, AclOperation.ANY, AclPermissionType.ANY)]))


async def _done(futures: dict) -> None:
    await asyncio.gather(*(asyncio.wrap_future(future) for future in futures.values()))
