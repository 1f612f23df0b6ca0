"""The load: providers, Kela and clients at their work, while a simulated day passes every second or two."""

import asyncio
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path

from chassis.auth import Role
from tests.chaos.client import KELA, CarefulClient, Refused, Unanswered
from tests.system.actors import a_business_id

SERVICE = "CARDIAC_ADULT"
FIRST_DAY = date(2024, 1, 15)
LAST_FIRST_DAY = date(2024, 12, 20)
"""A course counts in the year it begins in; counts are announced for this year only."""

PROVIDERS = 5
CONFIRM_AT = 6
_PERIOD_DAYS = 5
_PERIODS_APART = 8
_LEAD_DAYS = (9, 20)
_GROUP_SIZES = (8, 12)
_AT_FIRST = 60
_RAISE = 40
_FIRST_QUOTA = 30
_QUOTA_STEP = 25
_THINKS_S = 0.4
_LINK = re.compile(r"/s/([a-z0-9]{20,})")


@dataclass
class Course:
    """A course as its provider remembers it."""

    course_id: str
    number: int
    size: int
    periods: list[tuple[date, date]]
    published: bool = False
    confirmed: bool = False
    pinned: set[str] = field(default_factory=set)
    paid: int = 0
    known: tuple[str, ...] = ()

    @property
    def first_day(self):
        return self.periods[0][0]


@dataclass
class Desk:
    """A provider's desk: its contract, its courses, its clients with a grant and no place yet."""

    provider_id: str
    office_id: str = ""
    contract_id: str = ""
    announced: int = 0
    granted: int = 0
    reserved: int = 0
    courses: list[Course] = field(default_factory=list)
    placeless: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    @property
    def who(self):
        return (Role.PROVIDER, self.provider_id)


class Load:
    """People at their work; every step is a command of a careful client, chosen by the seed."""

    def __init__(self, client: CarefulClient, rng: random.Random, sms: Path):
        self.client = client
        self.desks: list[Desk] = []
        self.today = FIRST_DAY
        self.applications = count(1)
        self._rng = rng
        self._sms = sms
        self._read: set[str] = set()
        self._links: list[str] = []
        self._known_of: dict[str, tuple[str, ...]] = {}
        self._waiting: list[tuple[Desk, str]] = []
        self._quota = 0

    @property
    def now(self):
        """The morning of the simulated day."""
        return _morning(self.today)

    @staticmethod
    def first_morning():
        """When the clock begins."""
        return _morning(FIRST_DAY)

    async def prepare(self):
        """Providers with an office, a contract and a count; Kela's quota; a first course each."""
        for _ in range(PROVIDERS):
            self.desks.append(await self.open_desk())
        await self._raise_quota()
        await asyncio.gather(*(self._open_course(desk) for desk in self.desks))

    async def work(self, workers: int, until: asyncio.Event):
        """Work until told to stop; a step that has begun is brought to its end."""
        await asyncio.gather(*(self._worker(until) for _ in range(workers)))

    async def _worker(self, until):
        steps = (
            (self._grant, 34),
            (self._pin, 30),
            (self._confirm, 8),
            (self._pay, 8),
            (self._revoke, 5),
            (self._unpin, 4),
            (self._open_course, 5),
            (self._announce, 3),
            (self._raise_quota, 1),
            (self._answer_survey, 6),
            (self._look_around, 10),
        )
        weights = [weight for _, weight in steps]
        while not until.is_set():
            step = self._rng.choices([step for step, _ in steps], weights)[0]
            with suppress(Refused, Unanswered):
                await step()
            await asyncio.sleep(self._rng.expovariate(1 / _THINKS_S))

    async def open_desk(self):
        """A provider that Kela has a contract with, and that has announced a count."""
        desk = Desk(a_business_id())
        name = f"Kuntoutus {desk.provider_id}"
        body = {"provider_id": desk.provider_id, "name": name}
        await self.client.command(desk.who, "registration", "POST /providers", body)
        body = {
            "name": "Toimipiste",
            "municipality_code": "297",
            "street_address": "Esimerkkikatu 1",
            "postal_address": "Esimerkkikatu 1, 70100 Kuopio",
        }
        route = "POST /providers/{provider_id}/offices"
        office = await self.client.command(desk.who, "registration", route, body, provider_id=desk.provider_id)
        body = {"provider_id": desk.provider_id, "service": SERVICE, "language": "fi", "valid_from": "2022-01-01"}
        contract = await self.client.command(KELA, "registration", "POST /contracts", body)
        desk.office_id, desk.contract_id = office.answer["office_id"], contract.answer["contract_id"]
        desk.known = [f"service:{SERVICE}@1", *office.known, *contract.known]
        body = {"email": "kurssit@kuntoutus.example", "phone": f"020 123 {self._rng.randint(1000, 9999)}"}
        route = "PUT /contracts/{contract_id}/contact"
        done = await self.client.command(desk.who, "registration", route, body, contract_id=desk.contract_id)
        desk.known += done.known
        await self._announce(desk)
        return desk

    def _any_desk(self):
        return self._rng.choice(self.desks)

    async def _announce(self, desk=None):
        desk = desk or self._any_desk()
        announced = desk.announced + (_RAISE if desk.announced else _AT_FIRST)
        if max(desk.granted, desk.reserved) < desk.announced - _RAISE // 2:
            return
        route = "PUT /contracts/{contract_id}/announced-counts/{year}"
        path = {"contract_id": desk.contract_id, "year": FIRST_DAY.year}
        done = await self.client.command(desk.who, "registration", route, {"count": announced}, **path)
        desk.announced = max(announced, desk.announced)
        desk.known += done.known

    async def _raise_quota(self):
        self._quota = self._quota + _QUOTA_STEP if self._quota else _FIRST_QUOTA
        path = {"service": SERVICE, "year": FIRST_DAY.year}
        known = [f"service:{SERVICE}@1"]
        route = "PUT /quotas/{service}/{year}"
        await self.client.command(KELA, "decisions", route, {"limit": self._quota}, known=known, **path)

    async def _grant(self):
        await self.grant_at(self._any_desk(), "rejected" if self._rng.random() < 0.05 else "granted")

    async def grant_at(self, desk, outcome="granted"):
        """A client whose phone is known asks for this provider; the decision as answered."""
        number = next(self.applications)
        client = f"chaos-client-{number:05}"
        body = {"phone": f"+35840{3_000_000 + number}", "language": self._rng.choice(("fi", "sv"))}
        await self.client.command(KELA, "decisions", "PUT /client-contacts/{client_ref}", body, client_ref=client)
        body = {
            "application_ref": f"chaos-application-{number:05}",
            "client_ref": client,
            "contract_id": desk.contract_id,
            "applied_on": FIRST_DAY.isoformat(),
            "outcome": outcome,
        }
        done = await self.client.command(KELA, "decisions", "POST /decisions", body, known=desk.known)
        self._took_note(desk, done.answer, done.known)
        return done.answer

    def _took_note(self, desk, decision, known):
        ref = decision["decision_ref"]
        self._known_of[ref] = known
        if decision["state"] == "granted":
            desk.granted += 1
            desk.placeless.append(ref)
        elif decision["state"] == "awaiting_quota":
            self._waiting.append((desk, ref))

    async def _look_after_waiting(self):
        desk, ref = self._waiting.pop(0)
        decision = await self.client.ask("decisions", f"/decisions/{ref}")
        self._took_note(desk, decision, (f"decision:{ref}@{2 if decision['state'] == 'granted' else 1}",))

    async def _pin(self):
        if self._waiting and self._rng.random() < 0.3:
            await self._look_after_waiting()
        desk = self._any_desk()
        rooms = [
            course
            for course in desk.courses
            if course.published and len(course.pinned) < course.size and self.today < course.first_day
        ]
        if not rooms or not desk.placeless:
            return
        course = self._rng.choice(rooms[:2])
        ref = desk.placeless.pop(self._rng.randrange(len(desk.placeless)))
        await self._pin_to(desk, course, ref)

    async def _pin_to(self, desk, course, ref):
        course.pinned.add(ref)
        route, known = "POST /courses/{course_id}/pins", self._known_of[ref]
        try:
            done = await self.client.command(
                desk.who, "courses", route, {"decision_ref": ref}, known=known, course_id=course.course_id
            )
        except Refused:
            course.pinned.discard(ref)
            raise
        self._known_of[ref] = tuple({*known, *done.known})

    async def _unpin(self):
        desk = self._any_desk()
        courses = [course for course in desk.courses if course.pinned and self.today < course.first_day]
        if not courses:
            return
        course = self._rng.choice(courses)
        ref = self._rng.choice(sorted(course.pinned))
        course.pinned.discard(ref)
        route = "DELETE /courses/{course_id}/pins/{decision_ref}"
        path = {"course_id": course.course_id, "decision_ref": ref}
        why = {"reason": "another time suits the client better"}
        await self.client.command(desk.who, "courses", route, why, known=self._known_of[ref], **path)
        desk.placeless.append(ref)

    async def _revoke(self):
        desk = self._any_desk()
        courses = [course for course in desk.courses if course.pinned]
        if courses and self._rng.random() < 0.7:
            course = self._rng.choice(courses)
            ref = self._rng.choice(sorted(course.pinned))
            course.pinned.discard(ref)
        elif desk.placeless:
            ref = desk.placeless.pop()
        else:
            return
        body = {"client_notice": {"received_on": FIRST_DAY.isoformat(), "channel": "phone"}}
        route = "POST /decisions/{decision_ref}/revocation"
        await self.client.command(KELA, "decisions", route, body, decision_ref=ref)

    async def _open_course(self, desk=None):
        desk = desk or self._any_desk()
        size = self._rng.choice(_GROUP_SIZES)
        first = self.today + timedelta(days=self._rng.randint(*_LEAD_DAYS))
        # A provider has a few courses open at a time.
        open_now = [course for course in desk.courses if self.today < course.first_day and not course.confirmed]
        if desk.reserved + size > desk.announced or first > LAST_FIRST_DAY or len(open_now) > 2:
            return
        await self._publish_course(desk, size, first)

    async def open_far_course(self, desk, first_day):
        """A course that begins after the run; its id."""
        return (await self._publish_course(desk, _GROUP_SIZES[0], first_day)).course_id

    async def open_full_course(self, desk):
        """A confirmed course that begins as soon as one may, with as many clients as confirming needs."""
        course = await self._publish_course(desk, _GROUP_SIZES[0], FIRST_DAY + timedelta(days=_LEAD_DAYS[0]))
        for _ in range(CONFIRM_AT):
            decision = await self.grant_at(desk)
            await self._pin_to(desk, course, decision["decision_ref"])
        await self._confirm_course(desk, course)
        return course

    async def lead(self, course):
        """Pay each period of a course when its last day has come."""
        for _, last_day in course.periods:
            while self.today < last_day:
                await asyncio.sleep(_THINKS_S)
            with suppress(Refused, Unanswered):
                await self._pay_next(course)

    async def _publish_course(self, desk, size, first):
        desk.reserved += size
        days = [first + timedelta(days=nth * _PERIODS_APART) for nth in range(3)]
        periods = [(day, day + timedelta(days=_PERIOD_DAYS - 1)) for day in days]
        body = {
            "contract_id": desk.contract_id,
            "office_id": desk.office_id,
            "group_size": size,
            "target_groups": ["CORONARY"],
            "age_group": "UNDER_68",
            "periods": [{"first_day": str(start), "last_day": str(end)} for start, end in periods],
        }
        done = await self.client.command(desk.who, "courses", "POST /courses", body, known=desk.known)
        course = Course(done.answer["course_id"], done.answer["course_number"], size, periods)
        desk.courses.append(course)
        route = "POST /courses/{course_id}/publication"
        await self.client.command(desk.who, "courses", route, course_id=course.course_id)
        course.published = True
        return course

    async def _confirm(self):
        for desk in self._rng.sample(self.desks, len(self.desks)):
            for course in desk.courses:
                if course.confirmed or len(course.pinned) < CONFIRM_AT or self.today >= course.first_day:
                    continue
                await self._confirm_course(desk, course)
                return

    async def _confirm_course(self, desk, course):
        course.confirmed = True
        route = "POST /courses/{course_id}/confirmation"
        done = await self.client.command(desk.who, "courses", route, course_id=course.course_id)
        course.known = done.known

    async def _pay(self):
        for desk in self._rng.sample(self.desks, len(self.desks)):
            for course in desk.courses:
                if not course.known or course.paid == len(course.periods):
                    continue
                if self.today < course.periods[course.paid][1] or not course.pinned:
                    continue
                await self._pay_next(course)
                return

    async def _pay_next(self, course):
        course.paid += 1
        await self._pay_period(course, course.paid, sorted(course.pinned))

    async def _pay_period(self, course, number, refs: Sequence[str]):
        body = {"course_id": course.course_id, "period_number": number, "decision_refs": list(refs)}
        known = [*course.known, *(mark for ref in refs for mark in self._known_of[ref] if mark.startswith("pin:"))]
        try:
            await self.client.command(KELA, "decisions", "POST /payments", body, known=known)
        except Refused as refused:
            strangers = set(refused.values_.get("decision_refs", ()))
            if rest := [ref for ref in refs if strangers and ref not in strangers]:
                await self._pay_period(course, number, rest)

    async def _answer_survey(self):
        if not self._links:
            await asyncio.to_thread(self._look_at_phones)
        if not self._links:
            return
        token = self._links.pop()
        body = {"answers": {str(number): self._rng.randint(1, 5) for number in range(1, 20)}}
        await self.client.command(None, "notifications", "POST /surveys/{token}/answers", body, token=token)

    def _look_at_phones(self):
        for path in self._sms.glob("*/*.txt"):
            if path.name not in self._read:
                self._read.add(path.name)
                if link := _LINK.search(path.read_text()):
                    self._links.append(link[1])

    async def _look_around(self):
        await self.client.ask("search", "/offices", service=SERVICE, municipality="297")


def _morning(day):
    return datetime.combine(day, time(8), UTC)
