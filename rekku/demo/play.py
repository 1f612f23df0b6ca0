"""Playing the plan: day by day on the simulated clock, every step one command at a service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import asyncpg

from chassis.calendar import start_of_day
from chassis.clock import set_simulated_now
from contracts.topics import SERVICES
from rekku.demo.api import Api, Refused, at_rest
from rekku.demo.changes import Opened
from rekku.demo.commands import request_of
from rekku.demo.plan import Plan
from rekku.demo.played import Played
from rekku.demo.providers import PROVIDERS, DemoProvider
from rekku.demo.reference import SERVICE
from rekku.demo.steps import BillPeriod, Decide, OpenCourse, Step, TryDeletion, TrySettlement

IN_FLIGHT = 16
_IN_VAIN = (TryDeletion, TrySettlement)
_OFFICE_HOURS = timedelta(hours=10)


class Player:
    """Plays one plan against one running system.

    `on_month` is called when a month of the plan is over, `on_step` after every step.
    """

    def __init__(self, api: Api, clock: asyncpg.Connection[asyncpg.Record], plan: Plan) -> None:
        self.played = Played()
        self.today = plan.steps[0].day
        self.on_step: Callable[[], None] = lambda: None
        self.on_month: Callable[[date], Awaitable[None]] = _nothing
        self._api = api
        self._clock = clock
        self._plan = plan
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)

    async def play(self) -> Played:
        """Register everybody, then play every day of the plan.

        Raises:
            Refused: a service refused a step of the plan.
        """
        await self._set_day(self.today)
        async with asyncio.TaskGroup() as group:
            for provider in PROVIDERS:
                group.create_task(self._register(provider))
        await at_rest(self._api, SERVICES)
        for day, steps in self._plan.steps_by_day():
            if (day.year, day.month) != (self.today.year, self.today.month):
                await self.on_month(self.today)
            await self._set_day(day)
            await self._play_day(steps)
        await self.on_month(self.today)
        return self.played

    async def _set_day(self, day: date) -> None:
        self.today = day
        await set_simulated_now(self._clock, start_of_day(day) + _OFFICE_HOURS)

    async def _play_day(self, steps: list[Step]) -> None:
        """All of a day's steps side by side; each waits only for the steps it relies on."""
        done = {step.key: asyncio.Event() for step in steps}

        async def perform(step: Step) -> None:
            for key in step.after:
                if key in done:
                    await done[key].wait()
            async with self._in_flight:
                await (self._be_refused(step) if isinstance(step, _IN_VAIN) else self._perform(step))
            done[step.key].set()
            self.on_step()

        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(perform(step))

    async def _register(self, provider: DemoProvider) -> None:
        """A provider registers with its office; Kela registers the contract; the contact is published."""
        own, key = {"provider": provider.provider_id}, provider.key
        await self._api.command(
            "POST", "registration", "/providers", {"provider_id": provider.provider_id, "name": provider.name}, **own
        )
        office = await self._api.command(
            "POST",
            "registration",
            f"/providers/{provider.provider_id}/offices",
            {
                "name": provider.name,
                "municipality_code": provider.municipality_code,
                "street_address": provider.street_address,
                "postal_address": provider.postal_address,
                "phone": provider.phone,
            },
            **own,
        )
        self.played.offices[key] = office.body["office_id"]
        contract = await self._api.command(
            "POST",
            "registration",
            "/contracts",
            {
                "provider_id": provider.provider_id,
                "service": SERVICE,
                "language": provider.language,
                "valid_from": self.today.isoformat(),
            },
        )
        self.played.contracts[key] = contract.body["contract_id"]
        await self._api.command(
            "PUT",
            "registration",
            f"/contracts/{self.played.contracts[key]}/contact",
            {"email": provider.email, "phone": provider.phone},
            **own,
        )
        self.played.known[f"office-{key}"] = office.known or ""

    async def _perform(self, step: Step) -> None:
        request = request_of(step, self.played)
        answer = await self._api.command(
            request.method,
            request.service,
            request.path,
            request.body,
            provider=request.provider,
            key=step.key,
            known=self.played.known_after(step),
        )
        if isinstance(step, Decide):
            self.played.decisions[step.key] = answer.body["decision_ref"]
        elif isinstance(step, BillPeriod):
            self.played.settlements[step.key] = answer.body["settlement_id"]
        elif isinstance(step, OpenCourse):
            self.played.courses[step.key] = course_id = answer.body["course_id"]
            self.played.opened[course_id] = Opened(answer.body["group_size"], answer.body["year"])
            path, key = f"/courses/{course_id}/publication", f"published-{step.key}"
            answer = await self._api.command("POST", "courses", path, provider=request.provider, key=key)
        if answer.known is not None:
            self.played.known[step.key] = answer.known

    async def _be_refused(self, step: Step) -> None:
        """A course that has to run is not deleted (E-34), and of a settlement with wrong lines nothing is taken (E-60).

        Any other refusal stops the play.
        """
        expected = "MUST_RUN" if isinstance(step, TryDeletion) else "SETTLEMENT_REFUSED"
        try:
            await self._perform(step)
        except Refused as refused:
            if refused.code != expected:
                raise
            self.played.refused += isinstance(step, TryDeletion)
            for fault in refused.values.get("faults", ()):
                self.played.faults += (f"line {fault['line']} {fault['code']}",)


async def _nothing(_day: date) -> None:
    return
