"""How fresh the search is: from the revocation's commit to the freed place, and from publishing to being found.

The whole system runs, every service a process of its own, first on the embedded bus and then on Apache
Kafka. Target: revoke to place free p99 < 1 s at 50 revocations a second, on both. Looked for in the
search's own database, so that looking costs it nothing.
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from datetime import date, timedelta
from typing import Any

import asyncpg

from bench.stage import keep, machine, new_home, quantiles, say
from chassis.calendar import start_of_day
from chassis.settings import BusKind
from rekku.demo.api import Api, at_rest
from rekku.demo.providers import PROVIDERS
from rekku.home import Home
from rekku.up import Launch, System, free_ports, system

RATE_PER_S = 50
REVOCATIONS = 500
PUBLICATIONS = 100
PUBLICATION_RATE_PER_S = 20
TODAY = date(2024, 1, 15)
"""By the simulated clock: on any day of the real year the counts can be announced."""
FIRST_MONDAY = date(2024, 4, 8)
_GROUP_SIZE = 10
_SERVICE = "CARDIAC_ADULT"
_AT_ONCE = 16
_LOOK_EVERY_S = 0.002
_PATIENCE_S = 60.0


async def run() -> dict[str, Any]:
    """On each bus: start a system, fill it, revoke and publish; also written to `bench/results/freshness.json`."""
    facts = machine()
    figures: dict[str, Any] = {"rate_per_s": RATE_PER_S}
    for bus in BusKind:
        figures[bus.value] = await _on(bus)
        say(f"{bus}: revoke to free p99 {figures[bus.value]['revoke_to_free_p99_ms']} ms")
    return keep("freshness", facts, figures)


async def _on(bus: BusKind) -> dict[str, Any]:
    with new_home() as home:
        launch = Launch(Home(home), free_ports(1)[0], start_of_day(TODAY), bus=bus, say=say)
        async with system(launch) as running, Api(running.run, running.settings) as api:
            people = _People(api)
            await people.register()
            courses = await people.hold_courses(REVOCATIONS // _GROUP_SIZE)
            decisions = await people.fill(courses)
            await at_rest(api, ("registration", "courses", "decisions", "notifications", "search"))
            revoking = await _revoke(people, running, decisions)
            publishing = await _publish(people, running)
    return {
        **{f"revoke_to_free_{name}": value for name, value in quantiles(revoking).items()},
        **{f"publish_to_found_{name}": value for name, value in quantiles(publishing).items()},
    }


class _People:
    """One provider and Kela, giving commands over HTTP."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._provider = PROVIDERS[0]
        self._own = {"provider": self._provider.provider_id}
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._known: list[str] = []

    async def register(self) -> None:
        provider_id = self._provider.provider_id
        body: dict[str, Any] = {"provider_id": provider_id, "name": self._provider.name}
        await self._api.command("POST", "registration", "/providers", body, **self._own)
        body = {
            "name": self._provider.name,
            "municipality_code": self._provider.municipality_code,
            "street_address": self._provider.street_address,
            "postal_address": self._provider.postal_address,
        }
        office = await self._api.command("POST", "registration", f"/providers/{provider_id}/offices", body, **self._own)
        body = {"provider_id": provider_id, "service": _SERVICE, "language": "fi", "valid_from": str(TODAY)}
        contract = await self._api.command("POST", "registration", "/contracts", body)
        self.office, self.contract = office.body["office_id"], contract.body["contract_id"]
        path = f"/contracts/{self.contract}/announced-counts/{TODAY.year}"
        count = {"count": REVOCATIONS + PUBLICATIONS * 6}
        announced = await self._api.command("PUT", "registration", path, count, **self._own)
        self._known = [known for known in (office.known, announced.known) if known]

    async def create(self, group_size: int) -> dict[str, Any]:
        """A course that begins far enough away to give its places back."""
        mondays = [FIRST_MONDAY + timedelta(weeks=weeks) for weeks in (0, 22, 40)]
        body = {
            "contract_id": self.contract,
            "office_id": self.office,
            "group_size": group_size,
            "age_group": "UNDER_68",
            "target_groups": ["CORONARY"],
            "periods": [{"first_day": str(day), "last_day": str(day + timedelta(days=4))} for day in mondays],
        }
        async with self._at_once:
            created = await self._api.command("POST", "courses", "/courses", body, known=self._known, **self._own)
        course: dict[str, Any] = created.body
        return course

    async def publish(self, course: dict[str, Any]) -> None:
        path = f"/courses/{course['course_id']}/publication"
        await self._api.command("POST", "courses", path, None, **self._own)

    async def hold_courses(self, count: int) -> list[dict[str, Any]]:
        courses = await asyncio.gather(*(self.create(_GROUP_SIZE) for _ in range(count)))
        await asyncio.gather(*map(self.publish, courses))
        return list(courses)

    async def fill(self, courses: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """Grant and pin until every place is taken: (course, decision), the courses taking turns."""

        async def one(number: int) -> tuple[str, str]:
            course_id = courses[number % len(courses)]["course_id"]
            body = {
                "application_ref": f"bench-application-{number:04}",
                "client_ref": f"bench-client-{number:04}",
                "contract_id": self.contract,
                "applied_on": str(TODAY),
                "outcome": "granted",
            }
            async with self._at_once:
                decided = await self._api.command("POST", "decisions", "/decisions", body, known=self._known)
                ref = decided.body["decision_ref"]
                path, known = f"/courses/{course_id}/pins", [decided.known or ""]
                await self._api.command("POST", "courses", path, {"decision_ref": ref}, known=known, **self._own)
            return course_id, ref

        return list(await asyncio.gather(*(one(number) for number in range(len(courses) * _GROUP_SIZE))))

    async def revoke(self, decision_ref: str) -> None:
        notice = {"client_notice": {"received_on": str(TODAY), "channel": "web"}}
        await self._api.command("POST", "decisions", f"/decisions/{decision_ref}/revocation", notice)


async def _revoke(people: _People, running: System, decisions: list[tuple[str, str]]) -> list[float]:
    """Seconds from each revocation's answer to its course's next free place in the search."""
    committed: dict[str, deque[float]] = defaultdict(deque)
    free = dict.fromkeys({course_id for course_id, _ in decisions}, 0)
    waits: list[float] = []

    async def one(due: float, course_id: str, decision_ref: str) -> None:
        await asyncio.sleep(due - time.perf_counter())
        await people.revoke(decision_ref)
        committed[course_id].append(time.perf_counter())

    async def watch(search: asyncpg.Connection) -> None:
        deadline = time.monotonic() + REVOCATIONS / RATE_PER_S + _PATIENCE_S
        while len(waits) < len(decisions):
            rows = await search.fetch("SELECT course_id, free_places FROM courses WHERE free_places > 0")
            now = time.perf_counter()
            for row in rows:
                course_id = row["course_id"]
                # A place can be seen free before the revocation's answer has arrived here: then it took no time.
                while free[course_id] < row["free_places"]:
                    free[course_id] += 1
                    waits.append(now - committed[course_id].popleft() if committed[course_id] else 0.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(decisions) - len(waits)} places never became free")
            await asyncio.sleep(_LOOK_EVERY_S)

    await _watched(running, watch, [(one, arguments) for arguments in decisions], RATE_PER_S)
    return waits


async def _publish(people: _People, running: System) -> list[float]:
    """Seconds from each publication's answer to the course standing in the search."""
    courses = await asyncio.gather(*(people.create(6) for _ in range(PUBLICATIONS)))
    published: dict[str, float] = {}
    waits: dict[str, float] = {}
    ours = {course["course_id"] for course in courses}

    async def one(due: float, course: dict[str, Any]) -> None:
        await asyncio.sleep(due - time.perf_counter())
        await people.publish(course)
        published[course["course_id"]] = time.perf_counter()

    async def watch(search: asyncpg.Connection) -> None:
        while len(waits) < PUBLICATIONS:
            rows = await search.fetch("SELECT course_id FROM courses WHERE state = 'published'")
            now = time.perf_counter()
            for course_id in {row["course_id"] for row in rows} & ours - waits.keys():
                waits[course_id] = now - published.get(course_id, now)
            await asyncio.sleep(_LOOK_EVERY_S)

    await _watched(running, watch, [(one, (course,)) for course in courses], PUBLICATION_RATE_PER_S)
    return list(waits.values())


async def _watched(running: System, watch: Any, work: list[tuple[Any, Any]], rate_per_s: float) -> None:
    """Start the work at a fixed rate, whether or not earlier work is done, while the search is being watched."""
    search = await asyncpg.connect(running.cluster.url("rekku_search"), server_settings={"search_path": "search"})
    try:
        begin = time.perf_counter() + 0.1
        async with asyncio.timeout(_PATIENCE_S + len(work) / rate_per_s), asyncio.TaskGroup() as group:
            group.create_task(watch(search))
            for number, (do, arguments) in enumerate(work):
                group.create_task(do(begin + number / rate_per_s, *arguments))
    finally:
        await search.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
