"""Random stories: whatever is asked in whatever order, everything agrees in the end."""

import random
from datetime import timedelta
from typing import Any

import pytest

from contracts.decisions import Decision
from contracts.values import CourseState, PinState
from tests.courses.builders import CoursesUnderTest, a_proposal, a_transfer, count_changed, granted, revoked
from tests.courses.consistency import assert_consistent


class Story:
    """Providers, Kela and the calendar, all acting at random."""

    def __init__(self, courses: CoursesUnderTest, seed: int) -> None:
        self.courses = courses
        self.chance = random.Random(seed)
        self.made: list[dict[str, Any]] = []
        self.decisions: list[Decision] = []
        self.counts = [30]

    async def create(self) -> None:
        first = self.courses.clock.now.date() + timedelta(days=self.chance.randrange(-2, 60))
        body = a_proposal(group_size=self.chance.choice([6, 7, 12, 13]), first_day=first)
        answer = await self.courses.provider.post("/courses", json=body)
        if answer.status_code == 201:
            self.made.append(answer.json())
            await self.courses.provider.post(f"/courses/{self.made[-1]['course_id']}/publication")

    async def raise_the_count(self) -> None:
        """Counts only grow; any of those announced so far may arrive (again) now."""
        self.counts.append(self.counts[-1] + self.chance.randrange(12))
        version = self.chance.randrange(1, len(self.counts) + 1)
        await self.courses.know(count_changed({2024: self.counts[version - 1], 2025: 30}, version=version))

    async def grant(self) -> None:
        event = granted()
        self.decisions.append(event.decision)
        await self.courses.know(event)

    async def revoke(self) -> None:
        await self.courses.know(revoked(self.chance.choice(self.decisions)))

    async def pin(self) -> None:
        await self.courses.pin(self.chance.choice(self.made), self.chance.choice(self.decisions))

    async def unpin(self) -> None:
        await self.courses.unpin(self.chance.choice(self.made), self.chance.choice(self.decisions))

    async def resize(self) -> None:
        await self.courses.put(self.chance.choice(self.made), "group-size", group_size=self.chance.randrange(5, 14))

    async def reschedule(self) -> None:
        first = self.courses.clock.now.date() + timedelta(days=self.chance.randrange(-2, 400))
        await self.courses.reschedule(self.chance.choice(self.made), first, reason="Sali on varattu")

    async def move(self) -> None:
        here, there = self.chance.choices(self.made, k=2)
        pinned = await self.courses.pins_of(here, PinState.ACTIVE)
        if pinned:
            leaving = self.chance.choice(pinned)["decision_ref"]
            found = next(d for d in self.decisions if d.decision_ref == leaving)
            await self.courses.move(here, there, found, reason="agreed with the client")

    async def note_or_interrupt(self) -> None:
        course = self.chance.choice(self.made)
        for pin in await self.courses.pins_of(course, PinState.ACTIVE):
            found = next(d for d in self.decisions if d.decision_ref == pin["decision_ref"])
            await self.courses.note(course, found, [1], [2])
            await self.courses.note(course, found, [1])
        if self.decisions and self.chance.random() < 0.2:
            await self.courses.interrupt(course, self.chance.choice(self.decisions))

    async def confirm(self) -> None:
        await self.courses.confirm(self.chance.choice(self.made))

    async def delete(self) -> None:
        """With a plan that takes everybody to one course, fits or not."""
        course, target = self.chance.choice(self.made), self.chance.choice(self.made)
        pins = await self.courses.pins_of(course, PinState.ACTIVE)
        plan = {pin["decision_ref"]: a_transfer(target) for pin in pins}
        await self.courses.delete(course, reason=self.chance.choice([None, "too few"]), transfers=plan)

    async def cancel(self) -> None:
        await self.courses.cancel(self.chance.choice(self.made))

    async def settle(self) -> None:
        """A past course took place or did not, says its provider or Kela."""
        say = self.chance.choice([self.courses.confirm_late, self.courses.did_not_happen])
        by = self.chance.choice([self.courses.provider, self.courses.officer])
        await say(self.chance.choice(self.made), by, reason="settled")

    async def let_time_pass(self) -> None:
        await self.courses.clock.advance(timedelta(days=self.chance.randrange(1, 8)))
        await self.courses.service.fire_timers()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counters_ledgers_and_events_agree_after_any_story(empty_courses, seed):
    """R-CRS-2, R-CRS-14, R-CRS-28, R-CRS-37, E-19, E-22, E-34, E-37, E-38, E-39, E-40, E-41: what must always hold."""
    await empty_courses.start({2024: 30, 2025: 30})
    story = Story(empty_courses, seed)
    while not story.made:
        await story.create()
    await story.grant()
    steps = {
        story.create: 3,
        story.raise_the_count: 1,
        story.grant: 10,
        story.pin: 25,
        story.unpin: 2,
        story.resize: 3,
        story.reschedule: 2,
        story.move: 5,
        story.note_or_interrupt: 2,
        story.revoke: 1,
        story.confirm: 4,
        story.delete: 1,
        story.cancel: 1,
        story.settle: 2,
        story.let_time_pass: 1,
    }
    for step in story.chance.choices(list(steps), weights=list(steps.values()), k=250):
        await step()
    await assert_consistent(empty_courses.service)
    async with empty_courses.service.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM place_ledgers WHERE reserved > announced") == 0
        assert await tx.fetchval("SELECT count(*) FROM dead_letters") == 0
        states = {row["state"] for row in await tx.fetch("SELECT DISTINCT state FROM pins")}
        ended = {row["state"] for row in await tx.fetch("SELECT DISTINCT state FROM courses")}
    assert PinState.RELEASED in states
    assert ended & {CourseState.DELETED, CourseState.CANCELLED}
