"""A run from beginning to end: start, load, faults, rest, checks."""

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
from rich.console import Console

from chassis.clock import set_simulated_now
from chassis.embedded import SUPERUSER
from chassis.settings import BusKind
from contracts.topics import SERVICES
from rekku.home import Home
from rekku.services import SERVICES as PROGRAMS
from rekku.up import Launch, System, free_ports, system
from tests.chaos import check_records, check_tables, rights, stuck_key  # noqa: F401 - they declare the checks
from tests.chaos.checks import outcomes
from tests.chaos.client import KELA, CarefulClient, Journal
from tests.chaos.errands import Errands
from tests.chaos.evidence import Evidence, read_lag, read_phones, read_search, read_tables, read_topics
from tests.chaos.faults import Faults
from tests.chaos.load import Load
from tests.chaos.network import Network
from tests.chaos.plan import BROKERS, INSTANCES, Fault, make_plan
from tests.chaos.recovery import recoveries
from tests.chaos.report import progress, result_of, say
from tests.chaos.watch import News, Probe, Sample
from tests.kafka_rights import KafkaWithRights

WORKERS = 6
REST_WITHIN_S = 180.0
_DAYS = 250
_SHORTEST_DAY_S = 1.2
_LOOK_EVERY_S = 1.0
_QUIET_LOOKS = 3


class Run:
    """One run; what is planned and what happened is said on `console`."""

    def __init__(self, seed: int, minutes: float, console: Console):
        self.seed = seed
        self.minutes = minutes
        self._console = console
        self._samples: list[Sample] = []
        self._plan = make_plan(seed, minutes * 60)

    async def run(self, home: Path) -> dict:
        """The result, as `report` describes it."""
        began = time.monotonic()
        self._say(f"Seed {self.seed}: {len(self._plan)} faults in {self.minutes:g} minutes of load")
        for fault in self._plan:
            self._say(f"  {fault.number:2}  {fault}")
        async with _everything(home) as (running, network):
            self._say(f"Everything is up after {time.monotonic() - began:.0f} s; logs are in {home / 'logs'}")
            return await self._shake(running, network, began)

    def _say(self, line):
        self._console.print(line, markup=False, highlight=False)

    async def _shake(self, running: System, network: Network, began: float) -> dict:
        rng = random.Random(f"rekku load {self.seed}")
        client = CarefulClient(running, rng)
        news = News(running.cluster, self._samples)
        faults = Faults(running, network)
        try:
            load = Load(client, rng, running.settings.home / "sms")
            await self._under_load(running, load, faults, news)
            ended = time.monotonic()
            evidence = await self._evidence(running, client)
        finally:
            await client.close()
        journal = client.journal
        recovered = recoveries(faults.happened, self._samples, journal.waits, ended)
        found = [*outcomes(evidence), *stuck_key.judged(faults.held), *rights.judged(faults.rested)]
        result = result_of(self.seed, self.minutes, evidence, journal, found, recovered, time.monotonic() - began)
        result["missed"] = [(round(at - began, 1), missed) for at, missed in news.missed if missed]
        say(self._console, found, recovered, result)
        return result

    async def _under_load(self, running: System, load: Load, faults: Faults, news: News):
        errands = Errands(load)
        await load.prepare()
        await errands.prepare(INSTANCES)
        probes = [
            Probe(load.client, program, errands.of(program.service, program.instance), self._samples)
            for program in running.programs
        ]
        over, at_rest = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as watching:
            watching.create_task(news.run(at_rest))
            for probe in probes:
                watching.create_task(probe.run(over))
            async with asyncio.TaskGroup() as working:
                working.create_task(load.work(WORKERS, over))
                led = working.create_task(errands.lead_the_course())
                working.create_task(self._pass_days(running, load, lambda: over.is_set() and led.done()))
                working.create_task(self._break(faults, over))
            self._say("The load has ended and everything is healed; waiting for rest")
            try:
                await self._rest(running, load.client)
            finally:
                at_rest.set()

    async def _pass_days(self, running: System, load: Load, enough: Callable[[], bool]):
        """Let simulated days pass, so that courses begin and end by their timers; a lost connection is opened again."""
        day_s = max(_SHORTEST_DAY_S, self.minutes * 60 / _DAYS)
        while not enough():
            await asyncio.sleep(day_s)
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                admin = await asyncpg.connect(running.cluster.url(SUPERUSER))
                try:
                    await set_simulated_now(admin, load.now + timedelta(days=1))
                    load.today += timedelta(days=1)
                finally:
                    await admin.close()

    async def _break(self, faults: Faults, over: asyncio.Event):
        began = time.monotonic()
        try:
            with progress(self._console, self.minutes * 60) as tell:
                async with asyncio.TaskGroup() as breaking:
                    for fault in self._plan:
                        breaking.create_task(self._one(faults, fault, began))
                    while (gone := time.monotonic() - began) < self.minutes * 60:
                        tell(gone, f"{len(faults.happened)} of {len(self._plan)} faults")
                        await asyncio.sleep(0.5)
        finally:
            over.set()

    async def _one(self, faults: Faults, fault: Fault, began: float):
        await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
        self._say(f"{time.monotonic() - began:6.1f} s  {fault.number:2}  {fault.kind}: {fault.target}")
        event = await faults.carry_out(fault)
        note = f" ({event.note})" if event.note else ""
        self._say(f"{time.monotonic() - began:6.1f} s  {fault.number:2}  healed{note}")

    async def _rest(self, running: System, client: CarefulClient):
        """Wait until nothing is on its way between the services; after some minutes the checks say what still is."""
        deadline, quiet = time.monotonic() + REST_WITHIN_S, 0
        while quiet < _QUIET_LOOKS and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY_S)
            told = await self._progress(running, client)
            waiting = await client.ask("notifications", "/statistics")
            busy = waiting is None or waiting["waiting"] or any(any(each.values()) for each in told.values())
            quiet = 0 if busy else quiet + 1

    async def _progress(self, running: System, client: CarefulClient) -> dict[str, dict]:
        found = {}
        for program in running.programs:
            if program.service in SERVICES:
                headers = {"authorization": client.token(KELA)}
                found[program.name] = await client.look(f"http://127.0.0.1:{program.port}/progress", headers)
        return found

    async def _evidence(self, running: System, client: CarefulClient) -> Evidence:
        journal: Journal = client.journal
        tables = await read_tables(running.cluster)
        published = [row["course_number"] for row in tables["courses.courses"] if row["state"] != "created"]
        return Evidence(
            done=journal.done,
            unanswered=journal.unanswered,
            errors=journal.errors,
            records=await asyncio.to_thread(read_topics, running.kafka.servers),
            tables=tables,
            progress=await self._progress(running, client),
            lag=await asyncio.to_thread(read_lag, running.kafka.servers),
            shown=await read_search(client, published),
            phones=await asyncio.to_thread(read_phones, running.settings.home / "sms"),
        )


@contextlib.asynccontextmanager
async def _everything(home: Path) -> AsyncIterator[tuple[System, Network]]:
    """Three brokers behind proxies, PostgreSQL as it is in production, two instances of each service."""
    network = Network()
    kafka = KafkaWithRights(home, BROKERS, advertised=network.advertise)
    try:
        await kafka.start()
        launch = Launch(
            Home(home),
            free_ports(1)[0],
            simulated_clock=Load.first_morning(),
            instances=dict.fromkeys(PROGRAMS, INSTANCES),
            say=lambda _: None,
            bus=BusKind.KAFKA,
            brokers=kafka,
        )
        async with system(launch) as running:
            yield running, network
    finally:
        await kafka.stop()
        await network.close()


@contextlib.contextmanager
def a_home(keep: bool):
    """A folder of its own that PostgreSQL's user can reach; removed at the end unless it is to be kept."""
    home = Path(tempfile.mkdtemp(prefix="rekku-chaos-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
