"""What has to travel through a running deployment: a provider into the search, a sealed contact to notifications."""

import httpx

from chassis.auth import Role
from rekku.services import GATEWAY, SERVICES
from tests.deploy.test_provisioning import fetch
from tests.system.actors import a_business_id, eventually


async def told(containers, issuer, database):
    """Tell the story through the gateway, to services at rest, whose copies are looked at in `database`."""
    async with httpx.AsyncClient(base_url=containers.url(GATEWAY), verify=containers.verify, timeout=20) as client:
        health = await client.get("/healthz")
        assert health.json() == {"ready": True, "services": dict.fromkeys((GATEWAY, *SERVICES), True)}

        provider_id = a_business_id()
        provider = {"authorization": f"Bearer {issuer.token(Role.PROVIDER, provider_id)}"}
        body = {"provider_id": provider_id, "name": "Laitakaupungin kuntoutus"}
        answer = await client.post("/api/registration/providers", json=body, headers=provider)
        assert answer.status_code == 201, answer.text

        officer = {"authorization": f"Bearer {issuer.token(Role.OFFICER)}"}
        contact = {"phone": "+358402000001", "language": "fi"}
        answer = await client.put("/api/decisions/client-contacts/client-1", json=contact, headers=officer)
        assert answer.is_success, answer.text

        async def provider_arrived():
            return await fetch(database, "SELECT 1 FROM search.providers WHERE provider_id = $1", provider_id)

        async def contact_arrived():
            return await fetch(database, "SELECT 1 FROM notifications.client_contacts")

        async def at_rest():
            answers = [await client.get(f"{containers.url(name)}/progress", headers=officer) for name in SERVICES]
            return [
                answer.json() for answer in answers if answer.status_code == 200 and any(answer.json().values())
            ] == []

        await eventually(provider_arrived)
        await eventually(contact_arrived)
        await eventually(at_rest)
