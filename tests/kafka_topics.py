"""What tests on a shared broker need between them: empty topics, no positions, and tools that must be there."""

import shutil

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from chassis.bus.kafka_topics import apply_topics
from chassis.settings import BusKind, Settings
from contracts.topics import SERVICES, TOPICS
from tests.chassis.test_bus import until
from tests.conftest import leave_out


async def nobody_in_groups(admin: AIOKafkaAdminClient) -> None:
    """Put everybody out of the services' consumer groups, as an administrator can.

    A member with a name stays in its group when its process has ended, and keeps its partitions from
    others until its session ends as well.
    """
    known = {group for group, *_ in await admin.list_consumer_groups()}
    for group in known & {f"rekku.{service}" for service in SERVICES}:
        coordinator = await admin.find_coordinator(group)
        (described,) = await admin.describe_consumer_groups([group], coordinator)
        for member, *_ in described.groups[0][5]:
            left = await admin._send_request(LeaveGroupRequest(group, member), coordinator)
            assert left.error_code == 0, (group, left)


async def no_topics(servers: str) -> None:
    """Remove every topic of the system, and with it each consumer group's positions and members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
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
