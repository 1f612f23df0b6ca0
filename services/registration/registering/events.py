"""What is published of registrations."""

from contracts import registration as said
from services.registration.registering.domain import Registration


def registration_changed(registration: Registration) -> said.RegistrationChanged:
    """The event of a registration that has been submitted; other organisations appear by their business ID only."""
    composition = registration.composition
    return said.RegistrationChanged(
        version=registration.version,
        registration=said.Registration(
            registration_id=registration.registration_id,
            provider_id=registration.provider_id,
            office_id=registration.office_id,
            service=registration.service,
            language=registration.language,
            state=registration.state,
            contract_id=registration.contract_id,
            ends_on=registration.ends_on,
            subcontracting=composition.subcontracting,
            subcontractors=tuple(each.business_id for each in composition.subcontractors),
            consortium=tuple(each.business_id for each in composition.consortium),
        ),
    )
