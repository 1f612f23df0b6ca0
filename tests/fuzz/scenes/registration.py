"""Registrations in their states, and what comes after them."""

from chassis.auth import Role
from chassis.testing import ServiceUnderTest
from tests.fuzz.fuzzing import Known
from tests.fuzz.scenes.scene import Scene
from tests.registration.builders import KELA, OURS, THEIRS, announce, answer_choices, opened_finding
from tests.registration.registering import POOL, approved, asked, drafted, submitted, under_contract

SERVICES = ["CARDIAC_ADULT", "CANCER_ADULT"]


async def set_up(registration: ServiceUnderTest) -> Scene:
    """Registrations in their states, a contract with counts, requests for changes, findings and answers."""
    registered = [await under_contract(registration) for _ in range(2)]
    others = [await draw(registration) for draw in (drafted, drafted, submitted, submitted, approved, approved)]
    contract_id = registered[0]["contract_id"]
    assert (await announce(registration, contract_id, 2024, 24)).status_code == 200
    office_id = registered[0]["office_id"]
    assert (await answer_choices(registration, office_id, {"queue_time": 6})).status_code == 200
    findings = [await opened_finding(registration, office_id=each["office_id"]) for each in registered for _ in "123"]
    body = {"registration_id": registered[0]["registration_id"], "subcontractor": POOL}
    requests = [await asked(registration, "subcontractor_added", **body)] + [
        await asked(registration, "staff_changed", office_id=office_id, explanation="Kaksi uutta.") for _ in range(4)
    ]
    every = [*registered, *others]
    days = [f"2024-{month:02}-15" for month in range(1, 13)]
    known = Known(
        {
            "provider_id": [OURS],
            "business_id": [THEIRS, KELA],
            "office_id": [each["office_id"] for each in every],
            "contract_id": [contract_id],
            "registration_id": [each["registration_id"] for each in every],
            "request_id": [each["request_id"] for each in requests],
            "finding_id": findings,
            "service": SERVICES,
            "year": [2024, 2025],
            "language": ["fi"],
            "municipality_code": ["297"],
            "phone": ["+358401234567"],
            "email": ["kuntoutus@sydankunto.fi"],
            "effective_from": days,
            "effective_on": days,
            "due_on": days,
            "last_day": days,
            "valid_from": ["2024-01-01"],
            "valid_to": ["2024-12-31"],
            "after": [""],
            "count": [24, 30, 48],
        },
        learnt=("office_id", "registration_id", "request_id", "finding_id"),
    )
    return Scene.of(registration, known, [registration.http(Role.PROVIDER, OURS), registration.http(Role.OFFICER)])
