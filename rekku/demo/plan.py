"""The whole plan of the demo: steps by day, and what must come of them. Pure, and the same for a seed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from rekku.demo.billing import HalfYearPaid, paid_by_half_year, price_steps
from rekku.demo.changes import Changes, planned_changes
from rekku.demo.course_steps import course_steps
from rekku.demo.courses import PlannedCourse
from rekku.demo.decisions import PlannedDecision, last_working_day, plan_decisions
from rekku.demo.fates import plan_fates
from rekku.demo.filling import plan_courses
from rekku.demo.providers import PROVIDER_OF
from rekku.demo.reference import NEW_CLIENTS
from rekku.demo.steps import (
    AcceptSettlement,
    AnnounceCount,
    Decide,
    GiveContact,
    RevokeDecision,
    SetEstimate,
    SetQuota,
    Step,
)

SEED = 2021
REGISTRATION_DAY = date(2021, 10, 25)
FIRST_COURSES = date(2021, 11, 22)
QUOTA_DAY = date(2024, 9, 1)
SURVEY_STAGES = (2, 3)
"""A survey follows the payment of the second and of the last period (R-FBK-2)."""

_ANNOUNCED_SHARE = 0.75
"""How much of a year's later need is announced beforehand; the rest is raised as it comes."""
_RAISE_BY = 5


@dataclass(frozen=True)
class Plan:
    """Steps in order of day, and the planned decisions and courses they come from."""

    steps: tuple[Step, ...]
    decisions: tuple[PlannedDecision, ...]
    courses: tuple[PlannedCourse, ...]

    @property
    def granted(self) -> int:
        """Grants, those of earlier clients included."""
        return sum(decision.granted for decision in self.decisions)

    @property
    def rejected(self) -> int:
        """Rejections."""
        return sum(not decision.granted for decision in self.decisions)

    @property
    def revoked(self) -> int:
        """Revocations."""
        return sum(decision.revoked_on is not None for decision in self.decisions)

    @property
    def pinned(self) -> int:
        """Pins made, those on courses that clients left or that a revocation ended included."""
        return sum(len(course.stays) for course in self.courses)

    @property
    def unpinned(self) -> int:
        """Pins that a revocation ends."""
        return sum(decision.pin_on is not None and decision.revoked_on is not None for decision in self.decisions)

    @property
    def invitations(self) -> int:
        """Surveys sent: one per client and stage."""
        return sum(
            len(payment.decisions)
            for course in self.courses
            for payment in course.payments
            if payment.number in SURVEY_STAGES
        )

    @cached_property
    def half_years(self) -> dict[str, HalfYearPaid]:
        """Persons and periods paid for, and what settlements cost, by half-year (R-BIL-10)."""
        return paid_by_half_year(self.courses)

    @property
    def settled(self) -> Decimal:
        """What the accepted settlements come to, in euros."""
        return sum((half.cost for half in self.half_years.values() if half.cost is not None), Decimal(0))

    @property
    def settlements(self) -> int:
        """Settlements that Kela accepts."""
        return sum(isinstance(step, AcceptSettlement) for step in self.steps)

    @property
    def changes(self) -> Changes:
        """What happens to clients and courses on the way."""
        return planned_changes(self.courses)

    def steps_by_day(self) -> Iterator[tuple[date, list[Step]]]:
        """The steps of each day that has any."""
        day, of_day = self.steps[0].day, list[Step]()
        for step in self.steps:
            if step.day != day:
                yield day, of_day
                day, of_day = step.day, []
            of_day.append(step)
        yield day, of_day


def make_plan(seed: int = SEED) -> Plan:
    """The heart courses' years from registration in autumn 2021 to the quota of September 2024."""
    decisions = plan_decisions(seed)
    courses = plan_courses(decisions, plan_fates(seed, NEW_CLIENTS), FIRST_COURSES, last_working_day())
    announcements = _Announcements(decisions, courses)
    steps: list[Step] = [*_kela_steps(), *price_steps(REGISTRATION_DAY), *announcements.steps()]
    steps += _decision_steps(decisions, announcements)
    steps += course_steps(courses, announcements.in_force)
    return Plan(tuple(sorted(steps, key=lambda step: step.day)), tuple(decisions), tuple(courses))


def _kela_steps() -> Iterator[Step]:
    for year in NEW_CLIENTS:
        day = date(year.year - 1, 10, 26)
        yield SetEstimate(day=day, key=f"estimate-{year.year}", year=year.year, estimate=year.estimate)
    newest = NEW_CLIENTS[-1]
    yield SetQuota(day=QUOTA_DAY, key=f"quota-{newest.year}", year=newest.year, limit=newest.estimate)


class _Announcements:
    """Counts announced in autumn and raised the day they would not be enough (R-CRS-48).

    Decisions count in the year they are given, places in the year the course begins (E-1); the
    one announced count of a year must cover each of them.
    """

    def __init__(self, decisions: Sequence[PlannedDecision], courses: Sequence[PlannedCourse]) -> None:
        needs: list[tuple[date, str, int, str, int]] = [
            (d.decided_on, d.contract, d.decided_on.year, "decisions", 1) for d in decisions if d.granted
        ]
        needs += [(day, c.contract, year, "places", places) for c in courses for day, year, places in c.places()]
        self._steps: dict[tuple[date, str, int], AnnounceCount] = {}
        self._announced: dict[tuple[str, int], list[AnnounceCount]] = {}
        self._announce_beforehand(needs)
        used: Counter[tuple[str, int, str]] = Counter()
        for day, contract, year, ledger, amount in sorted(needs):
            used[contract, year, ledger] += amount
            self._cover(day, contract, year, used[contract, year, ledger])

    def _announce_beforehand(self, needs: Sequence[tuple[date, str, int, str, int]]) -> None:
        whole: Counter[tuple[str, int, str]] = Counter()
        earliest: dict[tuple[str, int], date] = {}
        for day, contract, year, ledger, amount in sorted(needs):
            whole[contract, year, ledger] += amount
            earliest.setdefault((contract, year), day)
        for (contract, year), day in earliest.items():
            need = max(whole[contract, year, "decisions"], whole[contract, year, "places"])
            planned_day = max(REGISTRATION_DAY, date(year - 1, 10, 11))
            self._announce(min(day, planned_day), contract, year, int(need * _ANNOUNCED_SHARE))

    def _cover(self, day: date, contract: str, year: int, used: int) -> None:
        announced = self._announced[contract, year][-1].count
        if used > announced:
            self._announce(day, contract, year, used + _RAISE_BY)

    def _announce(self, day: date, contract: str, year: int, count: int) -> None:
        raises = self._announced.setdefault((contract, year), [])
        key = f"announced-{contract}-{year}"
        if raises and raises[-1].day == day:
            step = AnnounceCount(
                day=day, key=raises[-1].key, after=raises[-1].after, contract=contract, year=year, count=count
            )
            raises[-1] = step
        else:
            after = (raises[-1].key,) if raises else ()
            step = AnnounceCount(
                day=day, key=f"{key}-{len(raises) + 1}", after=after, contract=contract, year=year, count=count
            )
            raises.append(step)

    def steps(self) -> Iterator[AnnounceCount]:
        """Every announcement and raise."""
        for raises in self._announced.values():
            yield from raises

    def in_force(self, contract: str, year: int, day: date) -> str:
        """The key of the newest announcement at the end of `day`."""
        return [step.key for step in self._announced[contract, year] if step.day <= day][-1]


def _decision_steps(decisions: Iterable[PlannedDecision], announcements: _Announcements) -> Iterator[Step]:
    for decision in decisions:
        announced: tuple[str, ...] = ()
        if decision.granted:
            announced = (announcements.in_force(decision.contract, decision.decided_on.year, decision.decided_on),)
            if decision.follows is None:
                yield GiveContact(
                    day=decision.decided_on,
                    key=f"contact-{decision.client}",
                    client=decision.client,
                    language=PROVIDER_OF[decision.contract].language,
                )
        yield Decide(
            day=decision.decided_on,
            key=decision.key,
            after=announced,
            client=decision.client,
            contract=decision.contract,
            applied_on=decision.applied_on,
            granted=decision.granted,
        )
        if decision.revoked_on is not None:
            yield RevokeDecision(
                day=decision.revoked_on,
                key=f"revoked-{decision.key}",
                after=(decision.key,),
                decision=decision.key,
            )
