"""Grants that share a transaction (decision record 0021).

Only what can be granted at once is granted here. Whoever is refused, has to wait, was decided on before or needs
a closer look is left out, with nothing written, and decided on its own by `handlers.decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from chassis.db import Transaction
from contracts.refusals import Refusal
from services.decisions.acts import Act
from services.decisions.domain import Application, Contract, Decision, GrantBasis
from services.decisions.events import decision_event
from services.decisions.handlers import grant, pending_decision
from services.decisions.quotas import slots
from services.decisions.quotas.domain import CountUse, Quota
from services.decisions.quotas.events import count_event, status_event
from services.decisions.reasonings.catalogue import ReasoningKind, choose


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its counters after it; no quota where the client is not new."""

    decision: Decision
    count: CountUse
    quota: Quota | None


async def grant_together(tx: Transaction, applications: Sequence[Application]) -> list[Grant | None]:
    """Grant all applications that can be granted at once; None for every other one.

    Raises:
        RaceLost: one of the grants was overtaken by somebody else. Nothing is kept of any.
    """
    room = _Room(tx.today)
    bases = await slots.find_bases(tx, applications)
    granted = [room.grant(application, basis) for application, basis in zip(applications, bases, strict=True)]
    # By service, as quotas are locked in this order; of one service in the order of arrival.
    in_order = sorted((each for each in granted if each), key=lambda each: each[1].service)
    taken = await slots.add_grants(tx, in_order) if in_order else []
    grants = {
        decision.decision_ref: Grant(decision, *counters)
        for (_, decision), counters in zip(in_order, taken, strict=True)
    }
    return [None if each is None else grants[each[1].decision_ref] for each in granted]


def say(tx: Transaction, given: Grant) -> Decision:
    """Record and publish a grant, and which counter it filled; the decision."""
    tx.audit(Act.GRANT_DECISION, f"decision:{given.decision.decision_ref}")
    tx.emit(decision_event(given.decision))
    if given.count.filled:
        tx.emit(count_event(given.count))
    if given.quota is not None and given.quota.full:
        tx.emit(status_event(given.quota))
    return given.decision


@dataclass
class _Room:
    """The counters as the grants of this transaction leave them, and whose turn has been."""

    on: date
    counts: dict[str, CountUse] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def grant(self, application: Application, basis: GrantBasis | None) -> tuple[Contract, Decision] | None:
        if basis is None or basis.count is None or basis.earlier_ref is not None:
            return None
        contract, count = basis.contract, self.counts.get(basis.contract.contract_id, basis.count)
        quota = self.quotas.get(contract.service, basis.quota)
        # What another grant of this transaction is about to change, this one is not decided on.
        about = {("application", application.application_ref), ("client", application.client_ref)}
        if about & self.seen or not replace(basis, count=count, quota=quota).has_room(application.area):
            return None
        try:
            reasoning = choose(ReasoningKind.GRANT, application.reasoning, self.on)
            granted = grant(pending_decision(application, basis, reasoning, self.on), basis, self.on)
        except Refusal:
            return None
        self.seen |= about
        self.counts[contract.contract_id] = count.with_grants()
        if granted.new_client:
            self.quotas[contract.service] = quota.with_grants(1)
        return contract, granted
