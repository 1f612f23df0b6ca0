"""Client contact data: taken, sealed under the client's own key, and passed on; never kept readable."""

import re

import phonenumbers

from chassis.db import Transaction
from contracts.decisions import ClientContact, ClientContactChanged
from contracts.refusals import IfMatch, Invalid
from contracts.values import Language
from services.decisions import store

_HOME_REGION = "FI"
_WRITTEN = re.compile(r"^[0-9+() -]+$")  # the parser would take letters for digits


def e164(phone: str) -> str:
    """A phone number in E.164; without a country code it is Finnish.

    Raises:
        Invalid: PHONE_INVALID.
    """
    if not _WRITTEN.match(phone):
        raise Invalid("PHONE_INVALID")
    try:
        number = phonenumbers.parse(phone, _HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise Invalid("PHONE_INVALID") from error
    if not phonenumbers.is_valid_number(number):
        raise Invalid("PHONE_INVALID")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def change_contact(
    tx: Transaction, client_ref: str, phone: str, language: Language, *, if_match: IfMatch | None
) -> int:
    """Store and publish a client's phone and language, sealed; the data's new version.

    Raises:
        Invalid: PHONE_INVALID.
        Stale: they changed meanwhile.
    """
    contact = ClientContact(phone=e164(phone), language=language)
    sealed = await tx.vault.seal(client_ref, contact.model_dump_json().encode())
    version = await store.set_sealed(tx, "contacts", client_ref, sealed, if_match=if_match)
    tx.emit(ClientContactChanged(version=version, client_ref=client_ref, sealed=sealed))
    return version
