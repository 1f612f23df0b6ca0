"""What tests on a shared broker need between them: empty topics, no positions, and tools that must be there."""

import shutil

from aiokafka.admin import AIOKafkaAdminClient

from chassis.bus.kafka_topics import apply_topics
from chassis.settings import BusKind, Settings
from contracts.topics import TOPICS
from tests.chassis.test_bus import until
from tests.conftest import leave_out


async def no_topics(servers: str) -> None:
    """Remove every topic of the system, and with it each consumer group's positions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        known = [name for name in await admin.list_topics() if name in TOPICS]
        if known:
            await admin.delete_topics(known)

        async def gone() -> bool:
            return not set(await admin.list_topics()) & set(TOPICS)

        await until(gone)
    finally:
        await admin.close()


async def fresh_topics(servers: str) -> None:
    """Every topic of the system anew, and no consumer group's positions."""
    await no_topics(servers)
    await apply_topics(Settings(bus=BusKind.KAFKA, kafka_servers=servers))


def require(tool: str) -> None:
    """Go on where the tool is installed."""
    if shutil.which(tool) is None:
        leave_out(f"{tool} is not installed")
