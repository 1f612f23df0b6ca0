"""The rule of a contract's last day."""

from dataclasses import replace
from datetime import date

from contracts.refusals import Invalid
from services.registration.domain import Contract


def end(contract: Contract, valid_to: date | None) -> Contract:
    """The contract with this last day, None for none; the same contract where it has that already (E-45).

    A day that is over may be given: what was announced, decided and published since stands.

    Raises:
        Invalid: VALIDITY_INVERTED, before the contract's first day.
    """
    if valid_to is not None and valid_to < contract.valid_from:
        raise Invalid("VALIDITY_INVERTED", valid_from=contract.valid_from, valid_to=valid_to)
    if valid_to == contract.valid_to:
        return contract
    return replace(contract, valid_to=valid_to, version=contract.version + 1)
