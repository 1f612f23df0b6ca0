"""Events with a few things different."""

from datetime import UTC, date, datetime

from contracts.courses import ClientPinned, Pin
from contracts.decisions import PeriodPaid
from contracts.registration import Office, OfficeRegistered
from contracts.values import PinState


def a_payment(**differences) -> PeriodPaid:
    return PeriodPaid(
        **{
            "version": 1,
            "decision_ref": "D-1",
            "client_ref": "C-1",
            "contract_id": "K-1",
            "provider_id": "2828286-3",
            "office_id": "O-1",
            "service": "CARDIAC_ADULT",
            "course_id": "R-1",
            "period_number": 1,
            "last": False,
            "paid_on": date(2024, 1, 15),
        }
        | differences
    )


def an_office(version: int = 1, **differences) -> OfficeRegistered:
    office = Office(
        **{
            "office_id": "O-1",
            "provider_id": "2828286-3",
            "name": "Kuntoutuskeskus",
            "municipality_code": "297",
            "street_address": "Puijonkatu 1",
            "postal_address": "70100 Kuopio",
        }
        | differences
    )
    return OfficeRegistered(version=version, office=office)


def a_pin(version: int = 1, decision_ref: str = "D-1") -> ClientPinned:
    return ClientPinned(
        version=version,
        pin=Pin(
            decision_ref=decision_ref,
            course_id="R-1",
            provider_id="2828286-3",
            office_id="O-1",
            state=PinState.ACTIVE,
            occupies_place=True,
            pinned_at=datetime(2024, 1, 15, tzinfo=UTC),
        ),
    )
