"""Letting those who wait for a quota in: first come, first served, in batches."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from chassis.db import Transaction
from services.decisions import domain
from services.decisions.acts import Act
from services.decisions.domain import Contract, Decision, Description
from services.decisions.events import decision_event
from services.decisions.followup.deadlines import confirm_by
from services.decisions.quotas import scoped, store
from services.decisions.quotas.domain import CountUse, Quota, Scope, ScopedQuota
from services.decisions.quotas.events import count_news, status_news
from services.decisions.reasonings import catalogue

TIMER = "release-queue"
_BATCH = 50


async def plan(tx: Transaction, service: str) -> None:
    """Have the queue looked through as soon as this transaction has committed.

    To be called before any counter is locked: a running release holds its timer while it waits for them.
    """
    await tx.schedule(TIMER, service, tx.now)


async def release_queue(tx: Transaction, service: str, payload: Mapping[str, Any]) -> None:
    """Grant a batch of those who wait, by day of application and then by arrival, while there is room (E-54).

    One whose contract or whose own scope is full or stopped (E-55), whose contract is not in force, or whose validity
    would have ended, is skipped and keeps its place. The next firing goes on where this one stopped. The
    round ends behind the last who waits; whoever joined the queue meanwhile, perhaps further to the front,
    gets a round of its own.
    """
    place = _Place.of(payload) if payload else _Place(newest=await store.find_newest_waiting(tx, service))
    queue = await _lock_queue(tx, service, place)
    quota, counts, scopes = queue.quota, dict(queue.counts), queue.scopes
    for decision in queue.waiting:
        queue.grant_if_room(decision, tx.today)
    following = await _following(tx, place, queue)
    if following is None:
        queue.quota = replace(queue.quota, releasing=False)
    else:
        await tx.schedule(TIMER, service, tx.now, following.payload())
    await store.set_counts_used(tx, queue.counts.values())
    await store.set_granted(tx, queue.granted)
    for granted in queue.granted:
        tx.emit(decision_event(granted))
        tx.audit(Act.GRANT_FROM_QUEUE, f"decision:{granted.decision_ref}")
    for event in status_news(quota, queue.quota, queue.scopes):
        tx.emit(event)
    changed = [after for before, after in zip(scopes, queue.scopes, strict=True) if after.filled is not before.filled]
    queue.quota = scoped.publish_scopes(tx, queue.quota, queue.scopes, changed)
    await scoped.set_scopes_used(tx, queue.scopes)
    await store.set_quota_used(tx, queue.quota)
    for contract_id, count in counts.items():
        for news in count_news(count, queue.counts[contract_id]):
            tx.emit(news)


async def _following(tx: Transaction, place: "_Place", queue: "_Queue") -> "_Place | None":
    if queue.quota.suspended:
        return None
    if not queue.at_end:
        return place.behind(queue.waiting)
    newest = await store.find_newest_waiting(tx, queue.quota.service)
    return _Place(newest=newest) if newest > place.newest and not queue.quota.full else None


@dataclass(frozen=True)
class _Place:
    """How far a round has come: behind whom, and the newest arrival that was there when it began."""

    applied_on: date = date.min
    number: int = 0
    newest: int = 0

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "_Place":
        return cls(date.fromisoformat(payload["applied_on"]), payload["number"], payload["newest"])

    def behind(self, waiting: list[Decision]) -> "_Place":
        if not waiting:
            return self
        return replace(self, applied_on=waiting[-1].applied_on, number=waiting[-1].number)

    def payload(self) -> dict[str, Any]:
        return {"applied_on": self.applied_on.isoformat(), "number": self.number, "newest": self.newest}


@dataclass
class _Queue:
    """A stretch of the queue with everything its grants take from, locked; the grants given so far."""

    waiting: list[Decision]
    at_end: bool
    counts: dict[str, CountUse]
    quota: Quota
    scopes: list[ScopedQuota]
    stops: list[Scope]
    contracts: dict[str, Contract]
    description: Description | None
    old_clients: set[str]
    granted: list[Decision] = field(default_factory=list)

    def grant_if_room(self, waiting: Decision, on: date) -> None:
        new_client = waiting.client_ref not in self.old_clients
        count, contract = self.counts.get(waiting.contract_id), self.contracts.get(waiting.contract_id)
        if not self.quota.admits(new_client=new_client) or self.description is None:
            return
        if any(stop.covers(waiting.area, waiting.language) for stop in self.stops):
            return
        mine = [s for s in self.scopes if new_client and s.covers(waiting.area, waiting.language)]
        if any(scope.full for scope in mine):
            return
        if count is None or count.full or contract is None or not contract.valid_on(on):
            return
        if waiting.valid_to is not None and waiting.valid_to < on:
            return
        granted = domain.grant(
            waiting,
            self.description,
            on,
            confirm_by=confirm_by(self.description, on),
            new_client=new_client,
            reasoning=catalogue.for_grant(waiting.reasoning, on),
        )
        self.granted.append(granted)
        self.counts[count.contract_id] = count.with_grants(1)
        if new_client:
            self.quota = self.quota.with_grants(1)
            self.scopes = [scope.with_grants(1) if scope in mine else scope for scope in self.scopes]
            self.old_clients.add(waiting.client_ref)


async def _lock_queue(tx: Transaction, service: str, place: _Place) -> _Queue:
    """A batch from `place` on: counters first, then the waiting rows, as the lock order wants it."""
    seen = await store.find_waiting(tx, service, place.applied_on, place.number, _BATCH)
    contract_ids = {decision.contract_id for decision in seen}
    counts = await store.lock_counts(tx, contract_ids, tx.today.year)
    quota = await store.lock_quota(tx, service, tx.today.year)
    waiting = await store.lock_waiting(tx, service, place.applied_on, place.number, _BATCH)
    # Somebody may have joined between the two looks, for a contract whose count is not locked here.
    locked = list(itertools.takewhile(lambda decision: decision.contract_id in contract_ids, waiting))
    return _Queue(
        waiting=locked,
        at_end=len(locked) == len(waiting) < _BATCH,
        counts=counts,
        quota=quota,
        scopes=await scoped.find_scopes(tx, service, quota.year) if quota.scopes else [],
        stops=await scoped.find_stops(tx, service),
        contracts=await store.find_contracts(tx, contract_ids),
        description=await store.find_description(tx, service, tx.today),
        old_clients=await store.find_old_clients(tx, service, [decision.client_ref for decision in locked]),
    )
