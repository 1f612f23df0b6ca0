"""Who else has room: nearest to the client first."""

import pytest

from contracts.municipalities import distance_km, get_municipality
from contracts.registration import Office, OfficeChanged, OfficeRegistered, Registration, RegistrationChanged
from contracts.values import CourseState, Language, RegistrationState
from tests.decisions.builders import (
    OTHER_PROVIDER,
    RARE,
    DecisionsUnderTest,
    course_confirmed,
    expect,
    refusal,
    registered,
)
from tests.decisions.ending import swap

HELSINKI, ESPOO, TAMPERE, OULU = "091", "049", "837", "564"


def an_office(office_id: str, municipality_code: str, *, is_open: bool = True) -> Office:
    return Office(
        office_id=office_id,
        provider_id=OTHER_PROVIDER,
        name="toimipiste",
        municipality_code=municipality_code,
        street_address="Katu 1",
        postal_address="00100 Helsinki",
        open=is_open,
    )


async def a_place(decisions: DecisionsUnderTest, contract_id: str, *municipalities: str, room: int = 5) -> None:
    """A contract with room and an office in each municipality."""
    await decisions.know(registered({2024: room}, contract_id=contract_id, provider_id=OTHER_PROVIDER))
    for code in municipalities:
        office_id = f"{contract_id}-{code}"
        registration = Registration(
            registration_id=office_id,
            provider_id=OTHER_PROVIDER,
            office_id=office_id,
            service=RARE,
            language=Language.FI,
            state=RegistrationState.CONTRACT_REGISTERED,
            contract_id=contract_id,
        )
        await decisions.know(
            OfficeRegistered(version=1, office=an_office(office_id, code)),
            RegistrationChanged(version=1, registration=registration),
        )


async def others(decisions: DecisionsUnderTest, **differences) -> list[str]:
    """The contracts that a refusal names, in its order."""
    code, values = refusal(await decisions.apply(**differences))
    assert code == "ANNOUNCED_COUNT_FULL"
    return [other["contract_id"] for other in values["others"]]


@pytest.fixture
async def full(empty_decisions: DecisionsUnderTest) -> DecisionsUnderTest:
    """A provider that can take nobody, and others in three places."""
    await empty_decisions.start({2024: 0})
    await a_place(empty_decisions, "north", OULU, room=50)
    await a_place(empty_decisions, "south", HELSINKI)
    await a_place(empty_decisions, "middle", TAMPERE, room=20)
    return empty_decisions


async def test_a_refusal_names_the_nearest_first(full):
    """E-5, R-DEC-2: from the client's municipality to the nearest office of each contract."""
    assert await others(full, municipality_code=ESPOO) == ["south", "middle", "north"]
    assert await others(full, municipality_code=OULU) == ["north", "middle", "south"]
    _, values = refusal(await full.apply(municipality_code=ESPOO))
    between = distance_km(get_municipality(ESPOO), get_municipality(HELSINKI))
    assert values["others"][0]["distance_km"] == between < 30
    assert await others(full) == ["north", "middle", "south"], "without a municipality, most room first"


async def test_a_closed_office_is_no_place(full):
    """E-5: another of the contract's offices may still be; one that is known nowhere comes last."""
    await full.know(OfficeChanged(version=2, office=an_office(f"south-{HELSINKI}", HELSINKI, is_open=False)))
    assert await others(full, municipality_code=ESPOO) == ["middle", "north", "south"]


async def test_at_most_ten_are_named(full):
    """E-5."""
    for number in range(12):
        await a_place(full, f"more-{number}", HELSINKI)
    assert len(await others(full, municipality_code=ESPOO)) == 10


@pytest.mark.parametrize(("born", "suits"), [("1950-06-01", False), ("1990-06-01", True)])
async def test_who_has_courses_for_other_ages_only_comes_last(full, born, suits):
    """E-5, E-46: by the client's age where it is known; a course that nobody can get on says nothing."""
    course = {"contract_id": "south", "provider_id": OTHER_PROVIDER, "max_age": 67}
    await full.know(
        course_confirmed(course_id="course-a", **course),
        course_confirmed(course_id="course-b", **(course | {"max_age": None, "state": CourseState.RUNNING})),
    )
    expect(200, await full.officer.put("/client-eligibility/client-aged", json={"birth_date": born}))
    order = await others(full, municipality_code=ESPOO, client_ref="client-aged")
    assert order == (["south", "middle", "north"] if suits else ["middle", "north", "south"])
    assert (await others(full, municipality_code=ESPOO))[0] == "south", "an age that is not known rules nothing out"


async def test_a_full_change_of_provider_names_the_nearest_first_as_well(decisions):
    """E-5, E-65, R-DEC-2: from where the client lives now; the provider that the client leaves is not named."""
    old = await decisions.grant(municipality_code=OULU)
    await decisions.know(registered({2024: 0}, contract_id="full", provider_id=OTHER_PROVIDER))
    await a_place(decisions, "north", OULU, room=50)
    await a_place(decisions, "south", HELSINKI)
    for differences, expected in (({"municipality_code": ESPOO}, ["south", "north"]), ({}, ["north", "south"])):
        code, values = refusal(await swap(decisions, old, "full", **differences))
        assert (code, [other["contract_id"] for other in values["others"]]) == ("ANNOUNCED_COUNT_FULL", expected)
    assert refusal(await swap(decisions, old, "full", municipality_code="999"), 422)[0] == "MUNICIPALITY_UNKNOWN"
    assert await decisions.states(old) == ["granted"]


async def test_a_client_whose_data_cannot_be_opened_is_of_no_known_age(full):
    """E-5, E-24: a broken seal spoils no refusal."""
    expect(200, await full.officer.put("/client-eligibility/client-x", json={"birth_year": 1990}))
    await full.alter("UPDATE client_eligibility SET sealed = 'bm90IHNlYWxlZCBhdCBhbGwgYnkgYW55Ym9keQ=='")
    assert await others(full, client_ref="client-x") == ["north", "middle", "south"]
