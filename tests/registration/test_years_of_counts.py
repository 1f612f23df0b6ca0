"""Twelve simulated years of counts against a model that fits on a page."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from chassis.calendar import helsinki_date
from contracts.registration import AnnouncedCountChanged
from contracts.values import CountChange
from services.registration import store
from tests.registration.builders import announce, registered_contract

FIRST, LAST = 2024, 2035


@dataclass
class Model:
    """Counts by year, and each year's values by the day from which they hold."""

    counts: dict[int, int] = field(default_factory=dict)
    days: dict[int, list[tuple[date, int]]] = field(default_factory=dict)
    defaulted: set[int] = field(default_factory=set)

    def enter(self, year: int, count: int, day: date) -> None:
        self.counts[year] = count
        self.days.setdefault(year, []).append((day, count))

    def announce(self, year: int, count: int, day: date) -> None:
        """What a provider tries; the model's own words for R-REG-8, R-REG-9 and E-3."""
        self.first_of_november(day)
        current = self.counts.get(year)
        in_window = year == day.year or day <= date(day.year, 10, 31)
        if (current is None and in_window) or (current is not None and count > current):
            self.enter(year, count, day)

    def first_of_november(self, day: date) -> None:
        """E-2 for the default that fell due last, if anybody looks after it."""
        year = day.year + 1 if day >= date(day.year, 11, 1) else day.year
        values = [count for since, count in self.days.get(year - 1, []) if since <= date(year - 1, 10, 30)]
        if year not in self.counts and values:
            self.enter(year, values[-1], date(year - 1, 11, 1))
            self.defaulted.add(year)


@pytest.mark.parametrize("seed", range(3))
async def test_years_of_announcing_raising_and_defaulting_end_as_the_model_says(registration, seed):
    """R-REG-8, R-REG-9, E-2, E-3: every default is applied once, also when nothing ran for days across 1 November."""
    dice = random.Random(seed)
    contract_id = await registered_contract(registration)
    model = Model()
    now = datetime(FIRST, 1, 15, 9, tzinfo=UTC)
    while now.year < LAST:
        await registration.clock.set(now)
        day = helsinki_date(now)
        if dice.random() < 0.7:
            await registration.fire_timers()
            model.first_of_november(day)
        if dice.random() < 0.35:
            year, count = day.year + dice.choice((0, 1)), dice.randint(0, 60)
            answer = await announce(registration, contract_id, year, count)
            assert answer.status_code in (200, 409), answer.text
            model.announce(year, count, day)
        if dice.random() < 0.5:
            autumn = datetime(now.year, 10, dice.choice((29, 30, 31)), dice.choice((9, 21, 22)), tzinfo=UTC)
            now = autumn if now < autumn else now + timedelta(days=dice.choice((1, 2, 3, 40)))
        else:
            now += timedelta(days=dice.randint(1, 90), hours=dice.randint(0, 23))
    await registration.fire_timers()
    model.first_of_november(helsinki_date(registration.clock.now))
    async with registration.transaction() as tx:
        contract = await store.get_contract(tx, contract_id)
    assert len(model.counts) > 8
    assert 0 < len(model.defaulted) < len(model.counts)
    assert dict(contract.counts) == model.counts
    assert set(contract.defaulted) == model.defaulted
    events = await registration.published(AnnouncedCountChanged)
    assert sorted(e.year for e in events if e.change is CountChange.DEFAULTED) == sorted(model.defaulted)
    assert [e.version for e in events] == list(range(2, len(events) + 2))
