"""Courses, pins, decisions and both ledgers against a simple model, through thousands of random sequences of commands.

Decisions and courses are two services with a database each. What one says the other hears at once, later,
twice, or its end before its beginning, as the sequence has it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule, run_state_machine_as_test

from chassis.auth import SYSTEM, Principal, Role
from chassis.service import Service
from chassis.testing import ClusterUnderTest, ServiceUnderTest, service_under_test
from contracts.decisions import DecisionEvent
from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import DeliveryMode
from services.courses import copies, handlers, pinning, store
from services.courses.app import SERVICE as COURSES
from services.courses.changing import handlers as changing
from services.courses.changing.handlers import NewDates
from services.courses.consents import Channel, Consent, GivenBy
from services.courses.creation import Proposal, ProposedPeriod
from services.courses.ending import handlers as ending
from services.courses.ending import store as endings
from services.courses.moving import handlers as moving
from services.courses.moving.domain import Destination
from services.decisions import handlers as decisions
from services.decisions.annulling import annul_decision
from services.decisions.app import SERVICE as DECISIONS
from services.decisions.domain import AnnulmentReason, Application, ClientNotice, NoticeChannel, Outcome
from services.decisions.events import decision_event
from tests.campaigns import size
from tests.courses.builders import (
    OFFICE,
    a_description,
    contract_registered,
    count_changed,
    descriptions_published,
    office_registered,
    provider,
)
from tests.ledgers.model import CONFIRM_AT, GROUP_MAX, GROUP_MIN, MUST_RUN_AT, Model, ModelCourse, ModelDecision

pytestmark = pytest.mark.campaign("ledgers")

STEPS = 15
ENOUGH = 2000
"""The rarest of the broken guards is met in one sequence of about 150."""
TODAY = date(2024, 1, 15)
FIRST_DAYS = {2024: date(2024, 6, 3), 2025: date(2025, 3, 3)}
KELA = Principal("officer", Role.OFFICER)
NOTICE = ClientNotice(TODAY, NoticeChannel.PHONE)


@dataclass
class World:
    """Both services, and the loop they live in."""

    courses: ServiceUnderTest
    decisions: ServiceUnderTest
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Any) -> Any:
        """Wait for what a step of a sequence, which knows of no loop, has begun."""
        return self.loop.run_until_complete(work)


_contracts = count(1)


class Sequence(RuleBasedStateMachine):
    """One contract of a service of its own, and what people do with it."""

    world: World
    courses = Bundle("courses")
    decisions = Bundle("decisions")
    years = st.sampled_from([2024, 2024, 2025])
    sizes = st.integers(GROUP_MIN - 1, GROUP_MAX + 1)

    @initialize(first=st.integers(3, 7), second=st.integers(3, 7))
    def register(self, first: int, second: int) -> None:
        """A provider with a contract and a count for two years."""
        number = next(_contracts)
        self.contract_id, self.service = f"contract-{number}", f"SERVICE_{number}"
        self.model = Model({2024: first, 2025: second})
        self.events: dict[str, list[DecisionEvent]] = {}
        self.version, self.differed = 1, False
        registered = contract_registered(dict(self.model.announced), contract_id=self.contract_id, service=self.service)
        described = descriptions_published(
            a_description(
                service=self.service,
                group_min=GROUP_MIN,
                group_max=GROUP_MAX,
                confirm_min=CONFIRM_AT,
                must_run_at=MUST_RUN_AT,
                confirm_within_months=24,
            )
        )
        self.world.wait(self.world.courses.deliver(described, registered))
        self.world.wait(self.world.decisions.deliver(described, registered))

    @rule(year=years, more=st.integers(1, 3))
    def raise_the_count(self, year: int, more: int) -> None:
        self.model.announced[year] += more
        self.version += 1
        facts = {"contract_id": self.contract_id, "service": self.service}
        event = count_changed(dict(self.model.announced), self.version, **facts)
        self.world.wait(self.world.courses.deliver(event))
        self.world.wait(self.world.decisions.deliver(event))

    @rule(target=decisions, heard=st.sampled_from([True, True, True, False]))
    def grant(self, heard: bool) -> Any:
        number = len(self.events)
        application = Application(
            application_ref=f"{self.contract_id}-application-{number}",
            client_ref=f"{self.contract_id}-client-{number}",
            contract_id=self.contract_id,
            applied_on=TODAY,
            outcome=Outcome.GRANTED,
        )
        decision = self._decided(self.model.grant(), lambda tx: decisions.decide(tx, application))
        if decision is None:
            return multiple()
        ref: str = decision.decision_ref
        self.model.decisions[ref] = ModelDecision()
        self.events[ref] = [decision_event(decision)]
        if heard:
            self._hear(ref, 1)
        return ref

    @rule(ref=decisions, annul=st.booleans(), heard=st.sampled_from([True, True, False]))
    def take_back(self, ref: str, annul: bool, heard: bool) -> None:
        expected = self.model.take_back(ref, "annulled" if annul else "revoked")
        decision = self._decided(
            expected,
            lambda tx: (
                annul_decision(tx, ref, AnnulmentReason.DECIDED_TWICE, if_match=None)
                if annul
                else decisions.revoke_decision(tx, ref, NOTICE, if_match=None)
            ),
        )
        if decision is not None:
            self.events[ref].append(decision_event(decision))
            if heard:
                self._hear(ref, 2)

    @rule(ref=decisions, newest=st.booleans())
    def hear_of(self, ref: str, newest: bool) -> None:
        self._hear(ref, len(self.events[ref]) if newest else 1)

    @rule(target=courses, year=years, size=sizes, published=st.booleans())
    def create(self, year: int, size: int, published: bool) -> Any:
        proposal = Proposal(size, ("group_a",), None, on(year))
        created = self._done(
            self.model.create(year, size), lambda tx: handlers.create_course(tx, self.contract_id, OFFICE, proposal)
        )
        if created is None:
            return multiple()
        self.model.courses[created.course_id] = ModelCourse(year, size)
        if published:
            self.publish_course(created.course_id)
        return created.course_id

    @rule(course=courses)
    def publish(self, course: str) -> None:
        self.publish_course(course)

    def publish_course(self, course: str) -> None:
        self._done(self.model.publish(course), lambda tx: handlers.publish_course(tx, course))

    @rule(course=courses, size=sizes)
    def resize(self, course: str, size: int) -> None:
        self._done(self.model.resize(course, size), lambda tx: changing.resize_course(tx, course, size))

    @rule(course=courses, year=years)
    def change_year(self, course: str, year: int) -> None:
        agreed = tuple(consent(ref) for ref in self.model.pinned(course))
        dates = NewDates(on(year), agreed, "The hall is being repaired.")
        self._done(self.model.change_year(course, year), lambda tx: changing.reschedule_course(tx, course, dates))

    @rule(ref=decisions, course=courses)
    def pin(self, ref: str, course: str) -> None:
        self._done(self.model.pin(ref, course), lambda tx: pinning.pin_client(tx, course, ref))

    @rule(ref=decisions, other=courses)
    def unpin(self, ref: str, other: str) -> None:
        course = self.model.decisions[ref].pinned_to or other
        self._done(
            self.model.unpin(ref, course), lambda tx: pinning.unpin_client(tx, course, ref, reason="Another time.")
        )

    @rule(ref=decisions, other=courses, there=courses)
    def move(self, ref: str, other: str, there: str) -> None:
        here = self.model.decisions[ref].pinned_to or other
        to = Destination(there, consent(ref))
        self._done(
            self.model.move(ref, here, there), lambda tx: moving.move_client(tx, here, ref, to, reason="Another time.")
        )

    @rule(course=courses)
    def confirm(self, course: str) -> None:
        self._done(self.model.confirm(course), lambda tx: handlers.confirm_course(tx, course))

    @rule(course=courses, there=courses, everybody_goes=st.booleans())
    def delete(self, course: str, there: str, everybody_goes: bool) -> None:
        pinned = self.model.pinned(course)
        plan = {ref: Destination(there, consent(ref)) for ref in pinned} if everybody_goes else {}
        self._done(
            self.model.delete(course, there if everybody_goes else None),
            lambda tx: ending.delete_course(tx, course, "Too few.", plan),
        )

    @rule(course=courses)
    def cancel(self, course: str) -> None:
        self._done(self.model.cancel(course), lambda tx: ending.cancel_course(tx, course, "Water damage."), KELA)

    def _hear(self, ref: str, version: int) -> None:
        self.world.wait(self.world.courses.deliver(self.events[ref][version - 1]))
        self.model.hear(ref, version)

    def _decided(self, expected: str | None, command: Any) -> Any:
        return self._as_expected(expected, self.world.decisions, command, KELA)

    def _done(self, expected: str | None, command: Any, by: Principal | None = None) -> Any:
        return self._as_expected(expected, self.world.courses, command, by or provider("worker"))

    def _as_expected(self, expected: str | None, service: ServiceUnderTest, command: Any, by: Principal) -> Any:
        code, done = self.world.wait(outcome(service, command, by))
        self.differed = code != expected
        assert code == expected
        return done

    def teardown(self) -> None:
        """At the end of a sequence everything that is stored is compared, unless an outcome differed before."""
        if not self.differed:
            self.world.wait(self._compare())

    async def _compare(self) -> None:
        async with self.world.courses.transaction(SYSTEM) as tx:
            rows = await tx.fetch(
                "SELECT course_id, year, state, group_size, pinned, occupied, must_run_since IS NOT NULL AS had_to_run"
                " FROM courses WHERE contract_id = $1",
                self.contract_id,
            )
            pins = await tx.fetch(
                "SELECT decision_ref, course_id FROM pins JOIN courses USING (course_id)"
                " WHERE contract_id = $1 AND pins.state = 'active'",
                self.contract_id,
            )
            heard = await tx.fetch(
                "SELECT decision_ref, state FROM decisions WHERE decision_ref = ANY ($1)", list(self.events)
            )
            ledgers = {year: await store.get_ledger(tx, self.contract_id, year) for year in self.model.announced}
        pinned = {course_id: len(self.model.pinned(course_id)) for course_id in self.model.courses}
        assert {tuple(row) for row in rows} == {
            (name, course.year, course.state, course.size, pinned[name], pinned[name], course.had_to_run)
            for name, course in self.model.courses.items()
        }
        assert {(pin["decision_ref"], pin["course_id"]) for pin in pins} == {
            (ref, decision.pinned_to) for ref, decision in self.model.decisions.items() if decision.pinned_to
        }
        assert {(row["decision_ref"], row["state"]) for row in heard} == {
            (ref, decision.heard_state) for ref, decision in self.model.decisions.items() if decision.heard
        }
        assert {year: (ledger.announced, ledger.reserved) for year, ledger in ledgers.items()} == {
            year: (announced, self.model.reserved(year)) for year, announced in self.model.announced.items()
        }
        async with self.world.decisions.transaction(SYSTEM) as tx:
            row = await tx.fetchrow(
                "SELECT announced, used FROM announced_counts WHERE contract_id = $1 AND year = 2024", self.contract_id
            )
        assert tuple(row) == (self.model.announced[2024], self.model.used())


def on(year: int) -> tuple[ProposedPeriod, ...]:
    return (ProposedPeriod(FIRST_DAYS[year], FIRST_DAYS[year], DeliveryMode.FACE_TO_FACE),)


def consent(ref: str) -> Consent:
    return Consent(ref, TODAY, GivenBy.CLIENT, Channel.PHONE)


async def outcome(service: ServiceUnderTest, command: Any, by: Principal) -> tuple[str | None, Any]:
    """The code with which a command is refused, or None and what it has done."""
    try:
        return None, await service.db.run(command, by)
    except (Refusal, Invalid, NotFound) as refused:
        return refused.code, None


@pytest.fixture
def world(cluster: ClusterUnderTest, tmp_path: Path) -> Iterator[World]:
    """Both services, on the loop that services run on."""
    loop, stack = uvloop.new_event_loop(), AsyncExitStack()

    async def start(service: Service) -> ServiceUnderTest:
        home = tmp_path / service.name
        home.mkdir()
        return await stack.enter_async_context(service_under_test(cluster, service, home))

    started = World(loop.run_until_complete(start(COURSES)), loop.run_until_complete(start(DECISIONS)), loop)
    started.wait(started.courses.deliver(office_registered()))
    yield started
    started.wait(stack.aclose())
    loop.close()


def play(world: World, sequences: int, *phases: Phase) -> None:
    """Play so many sequences; a sequence that fails is made as short as it can be, where the phases say so."""
    machine = type("Sequence", (Sequence,), {"world": world})
    limits = settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=limits)


def test_whatever_is_done_in_whatever_order_both_services_are_as_the_model_says(world):
    """R-CRS-2, R-CRS-14, R-CRS-15, R-CRS-36, R-DEC-1, E-1, E-7, E-19, E-21, E-22, E-26, E-34, E-37, E-38, E-41."""
    play(world, size("ledgers"), Phase.generate, Phase.shrink)


async def _keep_all(tx, ledger, places):
    """A ledger to which nothing is given back."""
    if places > 0:
        await _set_reserved(tx, ledger, places)


async def _the_last_word_counts(tx, decision, version):
    """What is heard last is taken for the newest."""
    return await _merge_decision(tx, decision, next(_later))


_set_reserved, _merge_decision, _later = store.set_reserved, copies.merge_decision, count(10)


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (store, "set_reserved", _keep_all),
        (copies, "merge_decision", _the_last_word_counts),
        (endings, "set_ended", None),
    ],
    ids=["nothing is given back", "an older event undoes a newer one", "an end is not written down"],
)
def test_control_what_is_broken_is_found(world, monkeypatch, where, name, broken):
    """A model that agrees with everything would be none."""

    async def nothing(*_):
        return None

    monkeypatch.setattr(where, name, broken or nothing)
    with pytest.raises(AssertionError):
        play(world, ENOUGH, Phase.generate)
