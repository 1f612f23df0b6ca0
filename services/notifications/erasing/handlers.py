"""An erased client is reached no more, and what was sent to it is removed where it was handed over."""

from chassis.calendar import helsinki_date
from chassis.db import Database, Transaction
from chassis.dead_letters import forget
from contracts.decisions import ClientContactErased
from services.notifications import copies
from services.notifications import store as messages
from services.notifications.acts import Act
from services.notifications.domain import Template
from services.notifications.erasing import store
from services.notifications.sms_gateway import SmsGateway
from services.notifications.writing import cancel_unsent

_AT_ONCE = 100


async def on_client_contact_erased(tx: Transaction, event: ClientContactErased) -> None:
    """No contact any more; what waits for it is cancelled, what was handed over will be removed (`remove_sms`)."""
    await copies.set_client_contact(tx, event.version, event.client_ref, None)
    for decision_ref in await store.find_decisions(tx, event.client_ref):
        await cancel_unsent(tx, decision_ref, Template)
        await messages.cancel_surveys_never_sent(tx, decision_ref)
    await store.plan_removals(tx, event.client_ref)
    await forget(tx, event.topic, event.key)


async def remove_sms(database: Database, gateway: SmsGateway) -> int:
    """Have the gateway remove SMS of erased clients that nobody is sending just now; how many.

    A removal is forgotten after it has happened: whoever dies in between removes again, which changes nothing.

    Raises:
        GatewayDown: try again later.
    """
    async with database.transaction(readonly=True) as tx:
        removals = await store.find_removals(tx, limit=_AT_ONCE)
    for removal in removals:
        await gateway.remove(removal.message_id, helsinki_date(removal.created_at))
    if removals:
        done = [removal.message_id for removal in removals]

        async def settle(tx: Transaction) -> None:
            for message_id in await store.set_removed(tx, done):
                tx.audit(Act.GIVE_UP_MESSAGE, f"message:{message_id}", problem=store.KEY_ERASED)

        await database.run(settle)
    return len(removals)
