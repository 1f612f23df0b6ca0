"""The bus of a running system from outside, whichever it is: what stands there, and what the stories do to it."""

import signal
from abc import ABC, abstractmethod

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.embedded import BUS
from contracts.topics import SERVICES, read_by
from rekku.home import Home
from rekku.looking import looking
from tests.kafka_topics import nobody_in_groups


class AnyBus(ABC):
    """What both have in common."""

    def __init__(self, system):
        self.system = system

    async def records(self, *topics):
        """Everything on these topics, in order within each partition."""
        found = []
        async with looking(Home(self.system.settings.home)) as bus:
            for (topic, partition), end in (await bus.ends(topics)).items():
                position = 0
                while position < end:
                    batch = await bus.read(topic, partition, position, end - position)
                    found += batch
                    position = batch[-1].position + 1
        return found

    async def all_read(self):
        """No consumer has anything left to do."""
        async with looking(Home(self.system.settings.home)) as bus:
            return not await bus.behind()

    @abstractmethod
    async def append(self, topic, key, headers, value):
        """Put a record on a topic as a stranger would."""

    @abstractmethod
    async def take_at_most(self, topic, size):
        """Let a topic take records of so many bytes; Kafka heeds that after a moment."""

    @abstractmethod
    async def read_all_again(self):
        """Set every consumer back to the beginning of its topics; the services start again."""


class OnEmbedded(AnyBus):
    """The log in PostgreSQL."""

    async def append(self, topic, key, headers, value):
        connection = await asyncpg.connect(self.system.cluster.url("rekku_external"))
        try:
            await connection.execute(
                "SELECT rekku_bus.append(ARRAY[ROW($1, $2, $3, $4, $5)::rekku_bus.outgoing])",
                topic,
                key,
                [name for name, _ in headers],
                [content for _, content in headers],
                value,
            )
        finally:
            await connection.close()

    async def take_at_most(self, topic, size):
        connection = await asyncpg.connect(self.system.cluster.url(BUS), server_settings={"search_path": BUS})
        try:
            await connection.execute(
                "ALTER TABLE records DROP CONSTRAINT IF EXISTS at_most, ADD CONSTRAINT at_most"
                f" CHECK (topic <> '{topic}' OR octet_length(value) <= {size}) NOT VALID"
            )
        finally:
            await connection.close()

    async def read_all_again(self):
        connection = await asyncpg.connect(self.system.cluster.url(BUS), server_settings={"search_path": BUS})
        try:
            await connection.execute("UPDATE leases SET position = 0")
        finally:
            await connection.close()
        for program in self.system.programs:
            program.process.terminate()


class OnKafka(AnyBus):
    """The broker."""

    async def append(self, topic, key, headers, value):
        async with AIOKafkaProducer(bootstrap_servers=self.system.kafka.servers, acks="all") as producer:
            await producer.send_and_wait(topic, key=key, value=value, headers=list(headers))

    async def take_at_most(self, topic, size):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.system.kafka.servers)
        await admin.start()
        try:
            configs = {"max.message.bytes": str(size)}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
        finally:
            await admin.close()

    async def read_all_again(self):
        """Kafka moves a group's positions only while nobody is in it: members that are put out must not come back."""
        programs = [(program, program.process) for program in self.system.programs]
        for _, process in programs:
            process.send_signal(signal.SIGSTOP)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.system.kafka.servers)
        await admin.start()
        try:
            await nobody_in_groups(admin)
        finally:
            await admin.close()
        for service in SERVICES:
            await self._set_back(service)
        for _, process in programs:
            process.kill()

    async def _set_back(self, service):
        group, servers = f"rekku.{service}", self.system.kafka.servers
        places = [TopicPartition(topic.name, n) for topic in read_by(service) for n in range(topic.partitions)]
        consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False)
        async with consumer:
            consumer.assign(places)
            await consumer.commit(dict.fromkeys(places, 0))


def bus_of(system):
    """The bus of a running system."""
    return OnEmbedded(system) if system.kafka is None else OnKafka(system)
