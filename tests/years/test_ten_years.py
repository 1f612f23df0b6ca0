"""Ten simulated years: every default, first and last day and reminder once, on its day, or on the day both are back."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from chassis.testing import CLOCK_START, ClusterUnderTest
from services.registration.reviews.planning import REMIND_OF_REVIEW
from tests.campaigns import size
from tests.years.checks import assert_nothing_is_left_to_do, happened, wrong_gauges
from tests.years.model import Model, end_of_february
from tests.years.story import FIRST, OUTAGES, live_through, three_days
from tests.years.world import a_world


@pytest.mark.campaign("years")
async def test_in_ten_years_everything_happens_once_and_on_its_day(cluster: ClusterUnderTest, tmp_path: Path):
    """E-2, E-16, E-37, E-40, E-45, E-68, R-REG-7, R-REG-11: leap years, clock changes and outages of three days."""
    years = range(FIRST, FIRST + size("years"))
    model = Model(OUTAGES, CLOCK_START.date())
    async with a_world(cluster, tmp_path, OUTAGES) as world:
        await live_through(world, model, years)
        assert await happened(world) == model.effects(world.now)
        assert await wrong_gauges(world, model, range(FIRST, years.stop + 2)) == []
        await assert_nothing_is_left_to_do(world)
        kinds = Counter(what for what, _, _ in await happened(world))
        assert (kinds["began"], kinds["completed"], kinds["ended"]) == (4 * len(years), 5 * len(years), len(years))


async def test_a_year_without_catching_up_is_found_wanting(cluster: ClusterUnderTest, tmp_path: Path):
    """Negative control: what came due while both were away is lost, then something is said twice; both are seen."""
    away = (three_days(end_of_february(FIRST)), three_days(date(FIRST, 11, 1)), three_days(date(FIRST + 1, 1, 1)))
    model = Model(away, CLOCK_START.date())
    async with a_world(cluster, tmp_path, away, forgetful=True) as world:
        await live_through(world, model, range(FIRST, FIRST + 1))
        missing = model.effects(world.now) - await happened(world)
        assert {what for what, _, _ in missing} == {"defaulted", "began", "completed", "told", "applied", "ended"}
        assert await wrong_gauges(world, model, range(FIRST, FIRST + 2)) != []
        before = await happened(world)
        await world.fire_again(*(timer for timer in world.fired if timer.kind == REMIND_OF_REVIEW))
        said_again = {(what, key) for what, key, _ in await happened(world) - before}
        assert set() < said_again <= {(what, key) for what, key, _ in before}
