"""The figures of the service under test, and the records they are counted from."""

from datetime import UTC, datetime

from contracts.values import CourseState
from tests.decisions.builders import OTHER_PROVIDER, RARE, course_confirmed, expect, pinned

OF_2024 = {"service": RARE, "year": 2024}
OF_SERVICE = ("new-clients", "decisions", "half-years", "ages", "group-sizes")
EVERY = (*OF_SERVICE, "contracts")


def asked_of(name, **more):
    """What a figure is asked of: its service and year, or all that there is."""
    return (OF_2024 if name in OF_SERVICE else {}) | more


async def figures(decisions, name, **query):
    return expect(200, await decisions.officer.get(f"/statistics/{name}", params=OF_2024 | query))


async def record_clients(decisions, service, years):
    """First grants as they would have been given over years, on the tenth of each month."""
    rows = [
        f"('{service}-{year}-{month}-{n}', '{service}', 'd', '{OTHER_PROVIDER}', '{year}-{month:02}-10')"
        for year, months in years.items()
        for month, clients in enumerate(months, 1)
        for n in range(clients)
    ]
    await decisions.alter(
        "INSERT INTO first_grants (client_ref, service, decision_ref, provider_id, granted_on) VALUES " + ",".join(rows)
    )


async def on_the_course(decisions, births, **differences):
    """Clients of these birth years (None: not known) on the course of 2024 that has begun; their decisions."""
    refs = []
    for birth_year in births:
        granted = await decisions.grant()
        refs.append(granted["decision_ref"])
        if birth_year is not None:
            path = f"/client-eligibility/{granted['client_ref']}"
            expect(200, await decisions.officer.put(path, json={"birth_year": birth_year}))
    await decisions.clock.set(datetime(2024, 2, 20, 9, tzinfo=UTC))
    await decisions.know(course_confirmed(2, state=CourseState.RUNNING), *(pinned(ref, **differences) for ref in refs))
    return refs
