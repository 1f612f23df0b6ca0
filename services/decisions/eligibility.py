"""What decides on which course a client fits: sealed under the client's own key, and passed on; never kept readable."""

import logging
from datetime import date

from chassis.db import Transaction
from chassis.vault import BrokenSeal, Vault
from contracts.decisions import ClientEligibility, ClientEligibilityChanged
from contracts.keys import Purpose
from contracts.refusals import IfMatch, Invalid
from services.decisions import store
from services.decisions.acts import Act

_log = logging.getLogger(__name__)


def checked(disease_group: str | None, birth_date: date | None, birth_year: int | None, on: date) -> ClientEligibility:
    """What is known of a client, each part or none; nothing known takes back what was known.

    Raises:
        Invalid: BIRTH_GIVEN_TWICE, or BIRTH_IN_FUTURE; never with what was sent.
    """
    if birth_date is not None and birth_year is not None:
        raise Invalid("BIRTH_GIVEN_TWICE")
    if (birth_date is not None and birth_date > on) or (birth_year is not None and birth_year > on.year):
        raise Invalid("BIRTH_IN_FUTURE")
    return ClientEligibility(disease_group=disease_group, birth_date=birth_date, birth_year=birth_year)


async def change_eligibility(
    tx: Transaction, client_ref: str, eligibility: ClientEligibility, *, if_match: IfMatch | None
) -> int:
    """Store and publish what is known of a client, sealed; the data's new version (E-24).

    Raises:
        Stale: they changed meanwhile.
    """
    await store.lock_client(tx, client_ref)
    sealed = await tx.vault.seal(Purpose.ELIGIBILITY, client_ref, eligibility.model_dump_json().encode())
    version = await store.set_sealed(tx, "eligibility", client_ref, sealed, if_match=if_match)
    tx.audit(Act.CHANGE_ELIGIBILITY, f"client-eligibility:{client_ref}", version=version)
    tx.emit(ClientEligibilityChanged(version=version, client_ref=client_ref, sealed=sealed))
    return version


async def open_eligibility(vault: Vault, client_ref: str, sealed: str) -> ClientEligibility:
    """What is known of a client: nothing where its key was erased, nor where its seal is broken, which is logged."""
    try:
        plain = await vault.open(Purpose.ELIGIBILITY, client_ref, sealed)
    except BrokenSeal:
        _log.exception("the eligibility of a client cannot be opened")
        plain = None
    return ClientEligibility() if plain is None else ClientEligibility.model_validate_json(plain)
