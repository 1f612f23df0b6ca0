"""What tests on a shared broker need between them: empty topics, no positions, and tools that must be there."""

import asyncio
import shutil
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError, UnknownMemberIdError
from aiokafka.protocol.group import LeaveGroupRequest

from chassis.bus.kafka_groups import accepted, from_coordinator
from chassis.bus.kafka_topics import apply_topics
from chassis.settings import BusKind, Settings
from contracts.topics import SERVICES, TOPICS
from tests.chassis.test_bus import until
from tests.conftest import leave_out

_PUT_OUT_WITHIN_S = 60
"""A broker that has just started loads its groups first."""


async def nobody_in_groups(admin: AIOKafkaAdminClient) -> None:
    """Put everybody out of the services' consumer groups, as an administrator can.

    A member with a name stays in its group when its process has ended, and keeps its partitions from
    others until its session ends as well.
    """
    async with asyncio.timeout(_PUT_OUT_WITHIN_S):
        known = {group for group, *_ in await from_coordinator(admin.list_consumer_groups)}
        for group in known & {f"rekku.{service}" for service in SERVICES}:
            await from_coordinator(partial(_nobody_in, admin, group))


async def _nobody_in(admin: AIOKafkaAdminClient, group: str) -> None:
    coordinator = await admin.find_coordinator(group)
    (described,) = await admin.describe_consumer_groups([group], coordinator)
    ((code, *_, members),) = (answer[:6] for answer in described.groups)
    accepted(code, group)
    for member, *_ in members:
        left = await admin._send_request(LeaveGroupRequest(group, member), coordinator)
        if left.error_code != UnknownMemberIdError.errno:
            accepted(left.error_code, group)


async def _a_broker_is_there(admin: AIOKafkaAdminClient) -> bool:
    """A broker that was late with its heartbeats, as on a full machine, counts as none for a moment."""
    try:
        await admin.list_topics()
    except NodeNotReadyError:
        return False
    return True


async def no_topics(servers: str) -> None:
    """Remove every topic of the system, and with it each consumer group's positions and members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await until(partial(_a_broker_is_there, admin))
        await nobody_in_groups(admin)
        known = [name for name in await admin.list_topics() if name in TOPICS]
        if known:
            await admin.delete_topics(known)

        async def gone() -> bool:
            return not set(await admin.list_topics()) & set(TOPICS)

        await until(gone)
    finally:
        await admin.close()


async def fresh_topics(servers: str) -> None:
    """Every topic of the system anew, and no consumer group's positions or members."""
    await no_topics(servers)
    await apply_topics(Settings(bus=BusKind.KAFKA, kafka_servers=servers))


def require(tool: str) -> None:
    """Go on where the tool is installed."""
    if shutil.which(tool) is None:
        leave_out(f"{tool} is not installed")
