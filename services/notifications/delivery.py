"""Delivery: messages that were committed leave as SMS, each once, whoever crashes in between.

Claim (a lease, committed) → send, with our message id as the gateway's reference → mark as sent
and publish, in one transaction. A process that dies between sending and marking leaves a lease
that ends; the next one hands the same message id over again, and the gateway knows it already.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from chassis.calendar import helsinki_date
from chassis.cleaning import is_e164
from chassis.db import Database, Transaction
from chassis.failpoints import reach
from chassis.failures import of_the_moment
from chassis.runtime import Runtime
from chassis.vault import BrokenSeal, Vault
from contracts.decisions import ClientContact
from contracts.keys import Purpose
from contracts.notifications import Channel, MessageSent
from services.notifications import store
from services.notifications.acts import Act
from services.notifications.domain import Template
from services.notifications.erasing.handlers import remove_sms
from services.notifications.links import SurveyLinks, token_hash
from services.notifications.sms_gateway import FileGateway, GatewayDown, Sms, SmsGateway, SmsRefused
from services.notifications.writing import text_of

_log = logging.getLogger(__name__)

_BATCH = 100
_AT_ONCE = 8
_POLL_S = 1.0
_GATHER_S = 0.05
_LEASES_LONG = 10
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Outcome:
    """What came of one message: `problem` None means it left, `again` that it should be tried later."""

    message_id: str
    problem: str | None = None
    again: bool = False


@dataclass
class Deliverer:
    """One process' share of the delivery.

    Args:
        owner: names this process in the claims.
        lease: how long a claim lasts (real time); longer than a batch ever takes to send.
    """

    database: Database
    vault: Vault
    gateway: SmsGateway
    links: SurveyLinks
    owner: str
    lease: timedelta

    async def deliver(self) -> int:
        """Claim one batch, send it and mark it; how many messages were claimed."""
        async with self.database.transaction(readonly=True) as tx:
            if not await store.find_free_sms(tx):
                return 0
        claimed = await self.database.run(self._claim)
        one_by_one = asyncio.Semaphore(_AT_ONCE)

        async def send(message: store.ClaimedSms) -> Outcome:
            async with one_by_one:
                return await self._try(message)

        outcomes = await asyncio.gather(*(send(message) for message in claimed))
        await self.mark(outcomes)
        return len(claimed)

    async def remove(self) -> int:
        """Have SMS of erased clients removed; how many were."""
        try:
            return await remove_sms(self.database, self.gateway)
        except GatewayDown as error:
            _log.warning("SMS of erased clients could not be removed for the moment: %s", error)
            return 0

    async def _claim(self, tx: Transaction) -> list[store.ClaimedSms]:
        claimed = await store.claim_waiting_sms(tx, self.owner, lease=self.lease, limit=_BATCH)
        surveys = [message.survey_id for message in claimed if message.survey_id is not None]
        await store.set_token_hashes(tx, {survey: token_hash(self.links.token(survey)) for survey in surveys})
        return claimed

    async def _try(self, message: store.ClaimedSms) -> Outcome:
        """Send one message; whatever is wrong with it, the others of its batch go on."""
        try:
            return await self._send(message)
        except GatewayDown:
            pass
        except Exception as error:  # noqa: BLE001 - one message must not hold up the others
            # Only the kind of failure is logged: its text could hold the number.
            if not of_the_moment(error):
                _log.error("message %s cannot be sent: %s", message.message_id, type(error).__name__)
        return Outcome(message.message_id, again=True)

    async def _send(self, message: store.ClaimedSms) -> Outcome:
        if message.template is Template.FEEDBACK and message.survey_id is None:
            return Outcome(message.message_id)  # it was answered, so it must have left
        try:
            document = await self.vault.open(Purpose.CONTACTS, message.client_ref, message.sealed)
            if document is None:
                return Outcome(message.message_id, "KEY_ERASED")
            contact = ClientContact.model_validate_json(document)
        except (BrokenSeal, ValidationError):
            return Outcome(message.message_id, "CONTACT_UNREADABLE")
        if not is_e164(contact.phone):
            return Outcome(message.message_id, "NOT_A_PHONE_NUMBER")
        figures = {} if message.survey_id is None else {"link": self.links.link(message.survey_id)}
        text = text_of(message.template, contact.language, figures)
        reach("sms.before")
        try:
            await self.gateway.send(Sms(message.message_id, contact.phone, text, helsinki_date(message.created_at)))
        except SmsRefused as refusal:
            return Outcome(message.message_id, str(refusal.args[0]))
        reach("sms.after")
        return Outcome(message.message_id)

    async def mark(self, outcomes: Sequence[Outcome]) -> None:
        """Settle what was tried, in one transaction with the news of it."""

        async def settle(tx: Transaction) -> None:
            left = [outcome.message_id for outcome in outcomes if outcome.problem is None and not outcome.again]
            for row in await store.set_sent(tx, left):
                tx.emit(_sent(row["message_id"], row["template"], row["decision_ref"], tx))
            for outcome in sorted(outcomes, key=lambda outcome: outcome.message_id):
                if outcome.problem and await store.set_undeliverable(tx, outcome.message_id, outcome.problem):
                    tx.audit(Act.GIVE_UP_MESSAGE, f"message:{outcome.message_id}", problem=outcome.problem)
            again = [outcome.message_id for outcome in outcomes if outcome.again]
            if again:
                _log.warning("%s messages could not be sent for the moment; they rest", len(again))
                await store.set_pause(tx, again, _FIRST_PAUSE, _LONGEST_PAUSE)

        await self.database.run(settle)


def _sent(message_id: str, template: str, decision_ref: str, tx: Transaction) -> MessageSent:
    return MessageSent(
        version=1,
        message_id=message_id,
        template=template,
        channel=Channel.SMS,
        decision_ref=decision_ref,
        sent_at=tx.now,
    )


def deliverer_of(runtime: Runtime) -> Deliverer:
    """The deliverer of a running process."""
    settings = runtime.settings
    return Deliverer(
        database=runtime.database,
        vault=runtime.database.vault,
        gateway=FileGateway(settings.home / "sms"),
        links=SurveyLinks(settings),
        owner=f"{settings.instance}-{os.getpid()}",
        lease=timedelta(seconds=_LEASES_LONG * settings.lease_s),
    )


async def deliver_messages(runtime: Runtime) -> None:
    """Deliver after every commit of this process, and by polling for the others', until it cannot."""
    deliverer = deliverer_of(runtime)
    while True:
        runtime.kick.clear()
        if await deliverer.deliver() or await deliverer.remove():
            continue
        try:
            await asyncio.wait_for(runtime.kick.wait(), _POLL_S)
        except TimeoutError:
            continue
        await asyncio.sleep(_GATHER_S)  # several commits at once become one batch
