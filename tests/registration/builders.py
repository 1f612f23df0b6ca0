"""What tests of registration start from."""

from datetime import date, timedelta
from itertools import count

from chassis.auth import Role
from contracts.courses import Course, CourseCreated, CourseEvent, Period
from contracts.decisions import Decision, DecisionAnnulled, DecisionGranted, DecisionRevoked
from contracts.values import CourseState, DecisionState, DeliveryMode, Language, PeriodKind
from services.registration.domain import Contract, Offer

OURS = "1234567-1"
THEIRS = "7654321-2"
KELA = "0246246-0"
PERSONAL_IDENTITY_CODE = "131052-308T"

_numbers = count(1)


def a_contract(**differences) -> Contract:
    return Contract(
        **{
            "contract_id": "contract-1",
            "provider_id": OURS,
            "service": "CARDIAC_ADULT",
            "language": Language.FI,
            "valid_from": date(2022, 1, 1),
            **differences,
        }
    )


def an_offer(**differences) -> Offer:
    return Offer(**{"languages": (Language.FI, Language.SV), "valid_from": date(2021, 4, 1), **differences})


def a_grant(contract_id: str, **differences) -> DecisionGranted:
    return DecisionGranted(version=differences.pop("version", 1), decision=a_decision(contract_id, **differences))


def revoked(grant: DecisionGranted) -> DecisionRevoked:
    decision = grant.decision.model_copy(update={"state": DecisionState.REVOKED})
    return DecisionRevoked(version=grant.version + 1, decision=decision)


def annulled(grant: DecisionGranted) -> DecisionAnnulled:
    decision = grant.decision.model_copy(update={"state": DecisionState.ANNULLED})
    return DecisionAnnulled(version=grant.version + 1, decision=decision)


def a_decision(contract_id: str, **differences) -> Decision:
    number = next(_numbers)
    return Decision(
        **{
            "decision_ref": f"decision-{number}",
            "application_ref": f"application-{number}",
            "client_ref": f"client-{number}",
            "service": "CARDIAC_ADULT",
            "contract_id": contract_id,
            "provider_id": OURS,
            "language": Language.FI,
            "state": DecisionState.GRANTED,
            "applied_on": date(2024, 1, 8),
            "decided_on": date(2024, 1, 15),
            "confirm_by": date(2024, 5, 15),
            **differences,
        }
    )


def a_course(contract_id: str, event: type[CourseEvent] = CourseCreated, **differences) -> CourseEvent:
    version = differences.pop("version", 1)
    number = next(_numbers)
    first_day = differences.pop("first_day", date(2024, 3, 4))
    return event(
        version=version,
        course=Course(
            **{
                "course_id": f"course-{number}",
                "course_number": number,
                "contract_id": contract_id,
                "provider_id": OURS,
                "office_id": "office-1",
                "service": "CARDIAC_ADULT",
                "language": Language.FI,
                "state": CourseState.CREATED,
                "year": first_day.year,
                "group_size": 8,
                "pinned": 0,
                "occupied": 0,
                "periods": (
                    Period(
                        number=1,
                        kind=PeriodKind.OPENING,
                        mode=DeliveryMode.FACE_TO_FACE,
                        first_day=first_day,
                        last_day=first_day + timedelta(days=4),
                    ),
                ),
                **differences,
            }
        ),
    )


async def registered_provider(registration, provider_id: str = OURS) -> str:
    answer = await registration.http().post("/providers", json={"provider_id": provider_id, "name": "Sydänkunto Oy"})
    assert answer.status_code == 201, answer.text
    return provider_id


def contract_body(**differences) -> dict:
    return {
        "provider_id": OURS,
        "service": "CARDIAC_ADULT",
        "language": "fi",
        "valid_from": "2022-01-01",
        **differences,
    }


def office_body(**differences) -> dict:
    return {
        "name": "Kuopion toimipiste",
        "municipality_code": "297",
        "street_address": "Puijonkatu 1",
        "postal_address": "PL 1, 70101 Kuopio",
        **differences,
    }


async def registered_contract(registration, **differences) -> str:
    """The id of a contract; its provider is registered where it was not yet."""
    body = contract_body(**differences)
    officer = registration.http()
    if (await officer.get(f"/providers/{body['provider_id']}")).status_code == 404:
        await registered_provider(registration, body["provider_id"])
    answer = await officer.post("/contracts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["contract_id"]


async def announce(registration, contract_id: str, year: int, wanted: int, *, provider_id: str = OURS, **headers):
    provider = registration.http(Role.PROVIDER, provider_id)
    return await provider.put(
        f"/contracts/{contract_id}/announced-counts/{year}", json={"count": wanted}, headers=headers
    )


async def year_of(registration, contract_id: str, year: int) -> dict:
    """The gauge of one year, as the provider sees it."""
    answer = await registration.http(Role.PROVIDER, OURS).get(f"/contracts/{contract_id}")
    return next(each for each in answer.json()["years"] if each["year"] == year)


async def registered_office(registration, provider_id: str = OURS, **differences) -> str:
    """The id of an office; its provider is registered where it was not yet."""
    officer = registration.http()
    if (await officer.get(f"/providers/{provider_id}")).status_code == 404:
        await registered_provider(registration, provider_id)
    answer = await officer.post(f"/providers/{provider_id}/offices", json=office_body(**differences))
    assert answer.status_code == 201, answer.text
    return answer.json()["office_id"]


def finding_body(office_id: str, **differences) -> dict:
    return {
        "office_id": office_id,
        "service": "CARDIAC_ADULT",
        "category": "first_aid_training",
        "severity": "major",
        "corrective_action": "EA1-koulutukset on uusittava.",
        "due_on": "2024-03-31",
        **differences,
    }


async def opened_finding(registration, **differences) -> str:
    """The id of a finding at an office of ours, which has a contract for the heart course."""
    office_id = differences.pop("office_id", None) or await registered_office(registration)
    if not (await registration.http().get("/contracts", params={"provider_id": OURS})).json()["items"]:
        await registered_contract(registration)
    answer = await registration.http().post("/audit-findings", json=finding_body(office_id, **differences))
    assert answer.status_code == 201, answer.text
    return answer.json()["finding_id"]


async def answer_choices(registration, office_id: str, answers: dict, service: str = "CARDIAC_ADULT", **headers):
    """Answer the questions of a service as the provider does."""
    provider = registration.http(Role.PROVIDER, OURS)
    return await provider.put(
        f"/offices/{office_id}/choice-information/{service}", json={"answers": answers}, headers=headers
    )
