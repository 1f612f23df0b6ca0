"""The second wall: row-level security holds even where a query forgets who asks."""

import asyncpg
import pytest

from chassis.auth import PUBLIC, SYSTEM, Principal, Role
from tests.registration.builders import (
    OURS,
    THEIRS,
    a_course,
    a_grant,
    announce,
    opened_finding,
    registered_contract,
    registered_office,
)
from tests.registration.registering import WHY, asked, done, end_request, under_contract

TABLES = (
    *("providers", "offices", "contracts", "announced_counts", "contract_ends", "decisions", "courses"),
    *("audit_findings", "audit_finding_steps", "choice_information", "choice_answers", "data_reviews"),
)
REGISTERING_TABLES = (
    "registrations",
    "registration_decisions",
    "change_requests",
    "change_outcomes",
    "contract_administration",
    "billers",
)
BILLER = {"name": "Laskutus Oy", "business_id": OURS, "effective_from": "2024-02-01"}
OUR_PROVIDER = Principal("worker", Role.PROVIDER, OURS)


@pytest.fixture
async def two_providers(registration):
    """Two providers, each with a row in every table that has a provider."""
    for provider_id in (OURS, THEIRS):
        contract_id = await registered_contract(registration, provider_id=provider_id)
        await announce(registration, contract_id, 2024, 24, provider_id=provider_id)
        end = {"valid_to": "2030-12-31", "reason": "Määräaikainen"}
        await registration.http().put(f"/contracts/{contract_id}/end", json=end)
        office_id = await registered_office(registration, provider_id)
        await opened_finding(registration, office_id=office_id)
        provider = registration.http(Role.PROVIDER, provider_id)
        await provider.put(f"/offices/{office_id}/choice-information/CARDIAC_ADULT", json={"answers": {"pool": "none"}})
        await provider.post(f"/offices/{office_id}/review")
        await registration.deliver(
            a_grant(contract_id, provider_id=provider_id), a_course(contract_id, provider_id=provider_id)
        )
    return registration


@pytest.fixture
async def two_registered(registration):
    """Two providers with registrations, changes and details of their own."""
    for provider_id in (OURS, THEIRS):
        one = await under_contract(registration, provider_id=provider_id)
        facts = {"provider_id": provider_id, "office_id": one["office_id"], "explanation": "Uusi lääkäri."}
        await done(end_request(registration, await asked(registration, "staff_changed", **facts), "approval", WHY))
        await registration.http().put(f"/contracts/{one['contract_id']}/biller", json=BILLER)
    return registration


@pytest.mark.parametrize("table", REGISTERING_TABLES)
async def test_registrations_and_changes_are_behind_the_wall_too(two_registered, table):
    """A plain select shows a provider its own rows only; taken away, the same select shows everything."""
    assert await providers_seen(two_registered, OUR_PROVIDER, table) == [OURS]
    assert await providers_seen(two_registered, PUBLIC, table) == []
    assert await providers_seen(two_registered, SYSTEM, table) == [OURS, THEIRS]
    owner = await asyncpg.connect(
        two_registered.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "registration"}
    )
    await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    await owner.close()
    assert await providers_seen(two_registered, OUR_PROVIDER, table) == [OURS, THEIRS]


async def providers_seen(registration, principal: Principal, table: str) -> list[str]:
    async with registration.transaction(principal) as tx:
        rows = await tx.fetch(f"SELECT provider_id FROM {table} ORDER BY provider_id")
    return [row["provider_id"] for row in rows]


@pytest.mark.parametrize("table", TABLES)
async def test_a_plain_select_shows_a_provider_its_own_rows_only(two_providers, table):
    """No WHERE at all: PostgreSQL adds it; the public sees nothing, Kela sees both."""
    assert await providers_seen(two_providers, OUR_PROVIDER, table) == [OURS]
    assert await providers_seen(two_providers, PUBLIC, table) == []
    assert await providers_seen(two_providers, SYSTEM, table) == [OURS, THEIRS]


@pytest.mark.parametrize("table", TABLES)
async def test_with_row_level_security_off_the_same_select_shows_everything(two_providers, table):
    """Negative control: it is the policy that holds, not the query."""
    owner = await asyncpg.connect(
        two_providers.settings.owner_database_url.get_secret_value(), server_settings={"search_path": "registration"}
    )
    await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    await owner.close()
    assert await providers_seen(two_providers, OUR_PROVIDER, table) == [OURS, THEIRS]


async def test_a_provider_cannot_write_a_row_of_another(two_providers):
    """WITH CHECK: not even SQL of our own could."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with two_providers.transaction(OUR_PROVIDER) as tx:
            await tx.execute("UPDATE offices SET provider_id = $1", THEIRS)
    async with two_providers.transaction(OUR_PROVIDER) as tx:
        assert await tx.execute("UPDATE contracts SET web = NULL WHERE provider_id = $1", THEIRS) == "UPDATE 0"
