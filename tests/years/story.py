"""What three providers, their clients and Kela do, the same every year, with the days that are hard to get right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import httpx

from chassis.auth import Role
from chassis.testing import CLOCK_START
from tests.courses.builders import a_consent, a_decision, a_period, expect, granted
from tests.registration.builders import OURS, announce, finding_body
from tests.registration.registering import POOL, WHY, an_office, asked, content, do, done, end_request
from tests.years.model import Model, day_of, end_of_february, last_sunday, midnight
from tests.years.world import Away, World

RARE = "RARE_CONNECTIVE_ADULT"
CAREGIVER = "CAREGIVER"
LAST_INSTANT = timedelta(microseconds=1)

FIRST = CLOCK_START.year
YEARS = range(FIRST, FIRST + 10)


def three_days(day: date) -> Away:
    """Away from noon of the day before until the third morning."""
    start = datetime.combine(day - timedelta(days=1), time(10), UTC)
    return Away(start, start + timedelta(days=3))


OUTAGES = (
    *(three_days(date(year, 11, 1)) for year in YEARS if year % 2 == 0),
    *(three_days(end_of_february(year)) for year in YEARS if year % 2),
    *(three_days(last_sunday(year, 3)) for year in YEARS if year % 3 == 2),
    *(three_days(last_sunday(year, 10)) for year in (2025, 2029, 2031)),
    *(three_days(date(year, 1, 1)) for year in (2028, 2030)),
)


@dataclass(frozen=True)
class Party:
    """A provider with an office that is registered for one service."""

    provider_id: str
    office_id: str
    registration_id: str
    contract_id: str


@dataclass
class Open:
    """A course on its way."""

    course_id: str
    size: int
    first_day: date
    last_day: date
    client_refs: tuple[str, ...]


class Story:
    """The years in which `careful` announces, `forgetful` never does, `late` does every other year."""

    careful: Party
    forgetful: Party
    late: Party

    def __init__(self, world: World, model: Model) -> None:
        self.world = world
        self.model = model
        self._courses: dict[tuple[str, int], Open] = {}
        self._findings: dict[tuple[str, int], str] = {}
        self._http: dict[str, httpx.AsyncClient] = {}
        self._officer = world.registration.http(Role.OFFICER)

    async def begin(self) -> None:
        """Three providers register and announce their first year."""
        self.careful = await self._party(OURS, RARE)
        self.forgetful = await self._party(_business_id(3000), RARE)
        self.late = await self._party(_business_id(4000), RARE)
        for party, count in ((self.careful, 45), (self.forgetful, 10), (self.late, 20)):
            await self._announce(party, self.world.now.year, count)

    def plan(self, year: int) -> None:
        """Everything that is done by hand in a year."""
        self._on(date(year, 1, 16), partial(self._new_year, year))
        self._on(date(year, 2, 1), partial(self._ask_for_changes, year))
        self._on(end_of_february(year), partial(self._look_data_through, year))
        self._on(date(year, 3, 3), partial(self._delete, year))
        self._on(date(year, 3, 10), partial(self._report_action, "ignored", year))
        self._on(last_sunday(year, 3) + timedelta(days=7), partial(self._report_action, "spring", year))
        self._on(date(year, 5, 20) if year % 2 else date(year, 7, 1), partial(self._settle, year))
        self._on(date(year, 6, 1), partial(self._one_leaves, year))
        self._on(date(year, 8, 31), partial(self._confirm_data, self.late))
        self._on(date(year, 9, 15), partial(self._autumn, year))
        self._on(date(year, 10, 1), partial(self._confirm, "crossing", year))
        if year % 2:
            last = midnight(date(year, 11, 1)) - LAST_INSTANT
            self.world.plan(last, partial(self._announce, self.late, year + 1, 20 + year % 7))
        # The last instant of 30 October flows into the default of 1 November, the first of the 31st does not (E-2).
        raised_at = midnight(date(year, 10, 31)) - (LAST_INSTANT if year % 2 else timedelta(0))
        self.world.plan(raised_at, partial(self._raise, self.forgetful, year))
        self._on(date(year, 11, 5), partial(self._raise, self.careful, year + 1))
        self._on(date(year, 11, 10), partial(self._move_to_next_year, year))
        self._on(date(year, 11, 12), partial(self._report_action, "autumn", year))

    def _on(self, day: date, act: Callable[[], Awaitable[None]]) -> None:
        self.world.plan(datetime.combine(day, time(9), UTC), act)

    # Kela and registrations

    async def _party(self, provider_id: str, service: str) -> Party:
        registration = self.world.registration
        office_id = await an_office(registration, provider_id)
        body = {"office_id": office_id, "service": service, "language": "fi", **content()}
        one = expect(201, await registration.http(Role.PROVIDER, provider_id).post("/registrations", json=body))
        one = await done(do(registration, one, "submission", by=registration.http(Role.PROVIDER, provider_id)))
        one = await done(do(registration, one, "approval", WHY))
        one = await done(do(registration, one, "contract", {"valid_from": str(self._today)}))
        self.model.last_days[one["contract_id"]] = None
        self.model.confirmed[office_id] = [self._today]
        await self.world.carry()
        return Party(provider_id, office_id, one["registration_id"], one["contract_id"])

    async def _new_year(self, year: int) -> None:
        """A provider comes for a year; findings are made; the year's courses are opened."""
        leaving = self._leaving = await self._party(_business_id(year), CAREGIVER)
        await self._announce(leaving, year, 5)
        await self._find("ignored", year, end_of_february(year))
        await self._find("spring", year, last_sunday(year, 3) - timedelta(days=1))
        sunday = last_sunday(year, 3)
        await self._open("spring", year, self.careful, 8, sunday, sunday + timedelta(days=42))
        await self._confirm("spring", year)
        await self._open("late", year, self.careful, 6, date(year, 5, 10), date(year, 6, 26))
        await self._open("deleted", year, self.careful, 6, date(year, 6, 1), date(year, 7, 1), clients=0)
        leap = end_of_february(year)
        await self._open("february", year, self.forgetful, 6, leap, leap + timedelta(days=60))
        await self._confirm("february", year)

    async def _ask_for_changes(self, year: int) -> None:
        """Approved at once, in force later: on the day of a clock change, on 1 November, at the end of February."""
        one = {"registration_id": self.careful.registration_id}
        if year % 2:
            day = last_sunday(year, 10)
            await self._change(self.careful, day, "subcontractor_added", subcontractor=POOL, **one)
        elif year > self.model.begins.year:
            gone = POOL["business_id"]
            await self._change(self.careful, date(year, 11, 1), "subcontractor_removed", business_id=gone, **one)
        where = {"municipality_code": "297", "street_address": f"Tulliportinkatu {year}"}
        office_id = self.forgetful.office_id
        await self._change(
            self.forgetful, end_of_february(year), "visiting_address_changed", office_id=office_id, **where
        )

    async def _change(self, party: Party, day: date, kind: str, **wanted: Any) -> None:
        about = {"provider_id": party.provider_id, "effective_from": str(day)}
        request = await asked(self.world.registration, kind, **about, **wanted)
        await done(end_request(self.world.registration, request, "approval", WHY))
        self.model.expect("applied", f"change-request:{request['request_id']}", day)

    async def _one_leaves(self, year: int) -> None:
        last_day = date(year, 8, 31) if year % 2 else date(year, 10, 31)
        end = {"last_day": str(last_day), "reason_code": "service_ends", "reason_text": "Palvelu päättyy."}
        one = {"registration_id": self._leaving.registration_id}
        await done(do(self.world.registration, one, "end", end))
        self.model.last_days[self._leaving.contract_id] = last_day
        self.model.expect("ended", f"registration:{one['registration_id']}", last_day + timedelta(days=1))

    # Findings and reviews

    async def _find(self, name: str, year: int, due_on: date) -> None:
        body = finding_body(self.careful.office_id, service=RARE, due_on=str(due_on))
        finding = expect(201, await self._officer.post("/audit-findings", json=body))
        self._findings[name, year] = finding["finding_id"]
        told = f"{finding['finding_id']}/{due_on}"
        self.model.expect("told", f"audit-finding-due/{told}", due_on - timedelta(days=14))
        if name != "autumn":
            self.model.expect("told", f"audit-finding-overdue/{told}", due_on + timedelta(days=1))

    async def _report_action(self, name: str, year: int) -> None:
        path = f"/audit-findings/{self._findings[name, year]}/report-action"
        provider = self.world.registration.http(Role.PROVIDER, OURS)
        expect(200, await provider.post(path, json={"action": "Tehty."}))

    async def _look_data_through(self, year: int) -> None:
        if year % 4 == 0:
            await self._confirm_data(self.careful)

    async def _confirm_data(self, party: Party) -> None:
        provider = self.world.registration.http(Role.PROVIDER, party.provider_id)
        expect(200, await provider.post(f"/offices/{party.office_id}/review"))
        self.model.confirmed[party.office_id].append(self._today)

    # Counts

    async def _announce(self, party: Party, year: int, count: int) -> None:
        answer = await announce(self.world.registration, party.contract_id, year, count, provider_id=party.provider_id)
        expect(200, answer)
        self.model.said[party.contract_id, year].append((self.world.now, count))

    async def _raise(self, party: Party, year: int) -> None:
        count = self.model.count(party.contract_id, year, self.world.now)
        assert count is not None
        await self._announce(party, year, count + 1)

    # Courses

    async def _autumn(self, year: int) -> None:
        await self._announce(self.careful, year + 1, 45)
        await self._open("crossing", year, self.careful, 6, date(year, 12, 1), date(year, 12, 31))
        await self._open("moved", year, self.careful, 7, date(year, 12, 5), date(year, 12, 20))
        await self._find("autumn", year, date(year, 11, 15))

    async def _open(
        self, name: str, year: int, party: Party, size: int, first_day: date, last_day: date, clients: int = 6
    ) -> None:
        """A published course of two periods with its clients."""
        body = {
            "contract_id": party.contract_id,
            "office_id": party.office_id,
            "group_size": size,
            "target_groups": ["DISEASE_GROUP_1"],
            "periods": _periods(first_day, last_day),
        }
        provider = self._provider(party)
        course = expect(201, await provider.post("/courses", json=body))
        path = f"/courses/{course['course_id']}"
        expect(200, await provider.post(f"{path}/publication"))
        refs = [await self._grant(party) for _ in range(clients)]
        for ref in refs:
            expect(201, await provider.post(f"{path}/pins", json={"decision_ref": ref}))
        self._courses[name, year] = Open(course["course_id"], size, first_day, last_day, tuple(refs))
        self.model.places[party.contract_id, year] += size

    async def _grant(self, party: Party) -> str:
        decision = a_decision(
            contract_id=party.contract_id,
            provider_id=party.provider_id,
            service=RARE,
            applied_on=self._today,
            decided_on=self._today,
            confirm_by=self._today + timedelta(days=180),
        )
        for service in (self.world.courses, self.world.registration):
            await service.deliver(granted(decision))
        self.model.decisions[party.contract_id, self._today.year] += 1
        return decision.decision_ref

    async def _confirm(self, name: str, year: int) -> None:
        course = self._courses[name, year]
        party = self.forgetful if name == "february" else self.careful
        expect(200, await self._provider(party).post(f"/courses/{course.course_id}/confirmation"))
        self.model.expect("began", course.course_id, course.first_day)
        self.model.expect("completed", course.course_id, course.last_day + timedelta(days=1))

    async def _delete(self, year: int) -> None:
        course = self._courses["deleted", year]
        expect(200, await self._provider(self.careful).post(f"/courses/{course.course_id}/deletion", json={}))
        self.model.places[self.careful.contract_id, year] -= course.size

    async def _settle(self, year: int) -> None:
        """It took place: said while it runs in odd years, after it in even ones."""
        course = self._courses["late", year]
        expect(200, await self._provider(self.careful).post(f"/courses/{course.course_id}/late-confirmation", json={}))
        over = max(self._today, course.last_day + timedelta(days=1))
        self.model.expect("completed", course.course_id, over)

    async def _move_to_next_year(self, year: int) -> None:
        """With everybody's consent; one transaction frees the one year's places and takes the other's (E-37)."""
        course = self._courses["moved", year]
        party, path = self.careful, f"/courses/{course.course_id}"
        course.first_day, course.last_day = date(year + 1, 1, 1), date(year + 1, 1, 31)
        consents = [a_consent(decision_ref=ref, given_on=str(self._today)) for ref in course.client_refs]
        body = {"periods": _periods(course.first_day, course.last_day), "consents": consents}
        expect(200, await self._provider(party).put(f"{path}/periods", json=body))
        self.model.places[party.contract_id, year] -= course.size
        self.model.places[party.contract_id, year + 1] += course.size
        await self._confirm("moved", year)

    def _provider(self, party: Party) -> httpx.AsyncClient:
        if party.provider_id not in self._http:
            self._http[party.provider_id] = self.world.courses.http(Role.PROVIDER, party.provider_id)
        return self._http[party.provider_id]

    @property
    def _today(self) -> date:
        return day_of(self.world.now)


async def live_through(world: World, model: Model, years: range) -> None:
    """All of the years, and January after them."""
    story = Story(world, model)
    await story.begin()
    for year in years:
        story.plan(year)
    await world.pass_until(datetime(years.stop, 2, 10, tzinfo=UTC))


def _periods(first_day: date, last_day: date) -> list[dict[str, Any]]:
    return [
        a_period(first_day, 5, mode="face_to_face"),
        a_period(last_day - timedelta(days=4), 5, mode="online"),
    ]


def _business_id(number: int) -> str:
    """A Y-tunnus with its check digit; numbers without one are passed over."""
    for digits in (f"{number}{n:03}" for n in range(1000)):
        rest = sum(int(digit) * weight for digit, weight in zip(digits, (7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        if rest != 1:
            return f"{digits}-{(11 - rest) % 11}"
    raise AssertionError("unreachable")
