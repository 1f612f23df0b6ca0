"""How fresh the search is: from the revocation's commit to the freed place, and from publishing to being found.

The whole system runs, every service a process of its own, first on the embedded bus and then on Apache
Kafka. Target: revoke to place free p99 < 1 s at 50 revocations a second, on both. Looked for in the
services' own databases, so that looking costs them nothing: where the place is given (courses) and where it
is found (the search).
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import date, timedelta
from functools import partial
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

Watch = Callable[[asyncpg.Connection], Awaitable[None]]


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
            people = People(api)
            await people.register()
            courses = await people.hold_courses(REVOCATIONS // _GROUP_SIZE)
            decisions = await people.fill(courses)
            await at_rest(api, ("registration", "courses", "decisions", "notifications", "search"))
            revoking = await _revoke(people, running, decisions)
            publishing = await _publish(people, running)
    return {
        **{f"revoke_to_free_{name}": value for name, value in quantiles(revoking["search"]).items()},
        **{f"revoke_to_free_in_courses_{name}": value for name, value in quantiles(revoking["courses"]).items()},
        **{f"publish_to_found_{name}": value for name, value in quantiles(publishing).items()},
    }


class People:
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

    def _proposal(self, group_size: int) -> dict[str, Any]:
        mondays = [FIRST_MONDAY + timedelta(weeks=weeks) for weeks in (0, 22, 40)]
        return {
            "office_id": self.office,
            "group_size": group_size,
            "age_group": "UNDER_68",
            "target_groups": ["CORONARY"],
            "periods": [{"first_day": str(day), "last_day": str(day + timedelta(days=4))} for day in mondays],
        }

    async def create(self, group_size: int) -> dict[str, Any]:
        """A course that begins far enough away to give its places back."""
        body = {"contract_id": self.contract, **self._proposal(group_size)}
        async with self._at_once:
            created = await self._api.command("POST", "courses", "/courses", body, known=self._known, **self._own)
        course: dict[str, Any] = created.body
        return course

    async def draft(self, number: int) -> str:
        """An unfinished course of the older system."""
        body = {"legacy_ref": f"{number}", "contract_id": self.contract, "saved_on": str(TODAY), "known": {}}
        async with self._at_once:
            drafted = await self._api.command("POST", "courses", "/legacy-drafts", body, known=self._known)
        return str(drafted.body["draft_id"])

    async def complete(self, draft_id: str) -> None:
        path = f"/legacy-drafts/{draft_id}/completion"
        await self._api.command("POST", "courses", path, self._proposal(6), **self._own)

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
            ref, known = await self.grant(number)
            async with self._at_once:
                await self.pin(course_id, ref, known)
            return course_id, ref

        return list(await asyncio.gather(*(one(number) for number in range(len(courses) * _GROUP_SIZE))))

    async def grant(self, number: int) -> tuple[str, str]:
        """A decision, and what another service waits for that is to know it."""
        body = {
            "application_ref": f"bench-application-{number:04}",
            "client_ref": f"bench-client-{number:04}",
            "contract_id": self.contract,
            "applied_on": str(TODAY),
            "outcome": "granted",
        }
        async with self._at_once:
            decided = await self._api.command("POST", "decisions", "/decisions", body, known=self._known)
        return decided.body["decision_ref"], decided.known or ""

    async def pin(self, course_id: str, decision_ref: str, known: str = "") -> None:
        path, body = f"/courses/{course_id}/pins", {"decision_ref": decision_ref}
        await self._api.command("POST", "courses", path, body, known=[known], **self._own)

    async def revoke(self, decision_ref: str) -> None:
        notice = {"client_notice": {"received_on": str(TODAY), "channel": "web"}}
        await self._api.command("POST", "decisions", f"/decisions/{decision_ref}/revocation", notice)


FREE_PLACES = {
    "courses": "SELECT course_id, group_size - occupied AS free FROM courses WHERE occupied < group_size",
    "search": "SELECT course_id, free_places AS free FROM courses WHERE free_places > 0",
}
"""Courses with free places, by the service whose table it is."""


async def _revoke(people: People, running: System, decisions: list[tuple[str, str]]) -> dict[str, list[float]]:
    """Seconds from each revocation's answer to its course's next free place, by the service where it is free."""
    committed: dict[tuple[str, str], deque[float]] = defaultdict(deque)
    waits: dict[str, list[float]] = {service: [] for service in FREE_PLACES}

    async def one(due: float, course_id: str, decision_ref: str) -> None:
        await asyncio.sleep(due - time.perf_counter())
        await people.revoke(decision_ref)
        for service in FREE_PLACES:
            committed[service, course_id].append(time.perf_counter())

    async def watch(service: str, database: asyncpg.Connection) -> None:
        free: dict[str, int] = defaultdict(int)
        deadline = time.monotonic() + REVOCATIONS / RATE_PER_S + _PATIENCE_S
        while len(waits[service]) < len(decisions):
            rows = await database.fetch(FREE_PLACES[service])
            now = time.perf_counter()
            for row in rows:
                course_id = row["course_id"]
                since = committed[service, course_id]
                # A place can be seen free before the revocation's answer has arrived here: then it took no time.
                while free[course_id] < row["free"]:
                    free[course_id] += 1
                    waits[service].append(now - since.popleft() if since else 0.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(decisions) - len(waits[service])} places never became free in {service}")
            await asyncio.sleep(_LOOK_EVERY_S)

    watching = {service: partial(watch, service) for service in FREE_PLACES}
    await _watched(running, watching, [(one, arguments) for arguments in decisions], RATE_PER_S)
    return waits


async def _publish(people: People, running: System) -> list[float]:
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

    await _watched(running, {"search": watch}, [(one, (course,)) for course in courses], PUBLICATION_RATE_PER_S)
    return list(waits.values())


async def _watched(
    running: System, watching: Mapping[str, Watch], work: list[tuple[Any, Any]], rate_per_s: float
) -> None:
    """Start the work at a fixed rate, whether or not earlier work is done, while services' tables are watched."""
    async with AsyncExitStack() as stack:
        watches = []
        for service, watch in watching.items():
            seeing_all = {"search_path": service, "rekku.scope": "*"}
            database = await asyncpg.connect(running.cluster.url(f"rekku_{service}"), server_settings=seeing_all)
            stack.push_async_callback(database.close)
            watches.append(watch(database))
        begin = time.perf_counter() + 0.1
        async with asyncio.timeout(_PATIENCE_S + len(work) / rate_per_s), asyncio.TaskGroup() as group:
            for watched in watches:
                group.create_task(watched)
            for number, (do, arguments) in enumerate(work):
                group.create_task(do(begin + number / rate_per_s, *arguments))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run()), indent=2))
