"""What others see of our aggregates: the snapshots of events."""

from contracts import registration as contracts
from services.registration.domain import Contract


def contract_snapshot(contract: Contract) -> contracts.Contract:
    """A contract with its published contact and the counts in force."""
    contact = contract.contact
    return contracts.Contract(
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        service=contract.service,
        language=contract.language,
        valid_from=contract.valid_from,
        valid_to=contract.valid_to,
        contact=None
        if contact is None
        else contracts.Contact(email=contact.email, phone=contact.phone, web=contact.web),
        announced_counts=tuple(
            contracts.AnnouncedCount(year=year, count=count, defaulted=year in contract.defaulted)
            for year, count in sorted(contract.counts.items())
        ),
    )
