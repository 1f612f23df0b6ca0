"""Erasing a client: what is kept goes, what was passed on is taken back, no key opens what is left (record 0031)."""

from dataclasses import dataclass

from chassis import aside
from chassis.db import Transaction
from chassis.outbox import tombstone
from contracts.decisions import ClientContactErased, ClientEligibilityErased
from services.decisions import store
from services.decisions.acts import Act


@dataclass(frozen=True)
class Erased:
    """What there was to erase: contact data, eligibility, and keys that opened something."""

    contacts: bool
    eligibility: bool
    keys: bool

    @property
    def anything(self) -> bool:
        """False where the client was erased before, or nothing was ever known of it."""
        return self.contacts or self.eligibility or self.keys


async def erase_client(tx: Transaction, client_ref: str) -> Erased:
    """Erase a client's keys of every purpose, contact data and eligibility; erasing again changes nothing.

    The keys go before the commit: if it fails, what is left cannot be opened, and the next try removes it. On each
    topic follows first the fact that nothing older counts, then what removes the client from the compacted log.
    Whoever writes the client's data at the same time does so before, and it is erased, or after: that is a new fact.
    References stay, as pseudonyms, for their legal retention time.
    """
    await store.lock_client(tx, client_ref)
    contacts = await store.erase_sealed(tx, "contacts", client_ref)
    eligibility = await store.erase_sealed(tx, "eligibility", client_ref)
    erased = Erased(contacts is not None, eligibility is not None, await tx.vault.erase(client_ref))
    for version, fact in ((contacts, ClientContactErased), (eligibility, ClientEligibilityErased)):
        if version is not None:
            # Behind a row that the bus does not take the fact would wait as well.
            await aside.forget(tx, fact.topic, client_ref)
            tx.emit(fact(version=version, client_ref=client_ref))
            tx.outgoing.append(tombstone(fact.topic, client_ref))
    if erased.anything:
        tx.audit(Act.ERASE_CLIENT, f"client:{client_ref}")
    return erased
