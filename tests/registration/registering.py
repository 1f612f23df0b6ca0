"""What tests of registering an office, and of changing what was registered, start from."""

from chassis.auth import Role
from tests.registration.builders import KELA, OURS, THEIRS, office_body, registered_provider

POOL = {"name": "Allasterapia Oy", "business_id": THEIRS, "service_part": "Allasterapia"}
DIET = {"name": "Ravitsemus Oy", "business_id": KELA, "service_part": "Ravitsemusohjaus"}
WHY = {"reason_text": "Edellytykset täyttyvät."}
BECAUSE = {"reason_code": "information_missing", "reason_text": "Todistus puuttuu."}


def content(**differences) -> dict:
    """A draft that can be submitted."""
    return {"subcontracting": False, "conditions_accepted": True, **differences}


async def an_office(registration, provider_id: str = OURS, **differences) -> str:
    """The id of an office; its provider is registered where it was not yet."""
    officer = registration.http()
    if (await officer.get(f"/providers/{provider_id}")).status_code == 404:
        await registered_provider(registration, provider_id)
    answer = await officer.post(f"/providers/{provider_id}/offices", json=office_body(**differences))
    assert answer.status_code == 201, answer.text
    return answer.json()["office_id"]


async def drafted(registration, *, office_id: str | None = None, provider_id: str = OURS, **differences) -> dict:
    """A draft of the provider's own."""
    body = {
        "office_id": office_id or await an_office(registration, provider_id),
        "service": "CARDIAC_ADULT",
        "language": "fi",
        **content(**differences),
    }
    answer = await registration.http(Role.PROVIDER, provider_id).post("/registrations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def do(registration, one: dict, command: str, body: dict | None = None, *, by=None, **headers):
    """One command on a registration, by an officer where nobody else is named."""
    http = by or registration.http()
    return await http.post(f"/registrations/{one['registration_id']}/{command}", json=body, headers=headers)


async def submitted(registration, **differences) -> dict:
    one = await drafted(registration, **differences)
    return await done(do(registration, one, "submission", by=registration.http(Role.PROVIDER, one["provider_id"])))


async def approved(registration, **differences) -> dict:
    return await done(do(registration, await submitted(registration, **differences), "approval", WHY))


async def under_contract(registration, **differences) -> dict:
    one = await approved(registration, **differences)
    return await done(do(registration, one, "contract", {"valid_from": "2024-01-01"}))


async def done(command) -> dict:
    answer = await command
    assert answer.status_code == 200, answer.text
    return answer.json()


async def shown(registration, one: dict) -> dict:
    return (await registration.http().get(f"/registrations/{one['registration_id']}")).json()


async def ask(registration, kind: str, *, provider_id: str = OURS, effective_from: str = "2024-01-15", **body):
    """The answer to a provider's request for a change; today, where no day is named."""
    wanted = {"kind": kind, "effective_from": effective_from, **body}
    return await registration.http(Role.PROVIDER, provider_id).post("/change-requests", json=wanted)


async def asked(registration, kind: str, **body) -> dict:
    answer = await ask(registration, kind, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def end_request(registration, request: dict, command: str, body: dict | None = None, *, by=None, **headers):
    http = by or registration.http()
    return await http.post(f"/change-requests/{request['request_id']}/{command}", json=body, headers=headers)


def names(parties: list[dict]) -> list[str]:
    return [party["name"] for party in parties]
