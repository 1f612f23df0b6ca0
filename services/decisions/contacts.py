"""Client contact data: taken, sealed under the client's own key, and passed on; never kept readable."""

from chassis.db import Transaction
from contracts.decisions import ClientContact, ClientContactChanged
from contracts.keys import Purpose
from contracts.refusals import IfMatch
from contracts.values import Language
from services.decisions import store
from services.decisions.acts import Act


async def change_contact(
    tx: Transaction, client_ref: str, phone: str, language: Language, *, if_match: IfMatch | None
) -> int:
    """Store and publish a client's mobile phone, in E.164, and language, sealed; the data's new version.

    Raises:
        Stale: they changed meanwhile.
    """
    contact = ClientContact(phone=phone, language=language)
    await store.lock_client(tx, client_ref)
    sealed = await tx.vault.seal(Purpose.CONTACTS, client_ref, contact.model_dump_json().encode())
    version = await store.set_sealed(tx, "contacts", client_ref, sealed, if_match=if_match)
    tx.audit(Act.CHANGE_CONTACT, f"client-contact:{client_ref}", version=version)
    tx.emit(ClientContactChanged(version=version, client_ref=client_ref, sealed=sealed))
    return version
