"""An officer's hands on the follow-up."""

from typing import Any

import httpx

from tests.decisions.builders import DecisionsUnderTest, expect

Body = dict[str, Any]


def an_answer(received_on: str, given_by: str = "client") -> Body:
    return {"received_on": received_on, "channel": "phone", "given_by": given_by}


class Following:
    """What Kela does about clients without a confirmed course."""

    def __init__(self, decisions: DecisionsUnderTest) -> None:
        self.officer = decisions.officer

    async def work(self, **query: Any) -> list[Body]:
        """The items of the first page."""
        items: list[Body] = expect(200, await self.officer.get("/follow-ups", params=query))["items"]
        return items

    async def states(self, **query: Any) -> dict[str, str]:
        """What is to be done, by decision."""
        return {item["decision_ref"]: item["state"] for item in await self.work(**query)}

    async def show(self, ref: str) -> Body:
        return expect(200, await self.officer.get(f"/decisions/{ref}/follow-up"))

    async def contact(self, ref: str, on: str, reached: str | None = "client", **headers: str) -> httpx.Response:
        body = {"contacted_on": on, "channel": "phone", "reached": reached}
        return await self.officer.post(f"/decisions/{ref}/follow-up/contacts", json=body, headers=headers)

    async def stay(self, ref: str, on: str, next_on: str, given_by: str = "client") -> httpx.Response:
        body = {"answer": an_answer(on, given_by), "next_on": next_on}
        return await self.officer.post(f"/decisions/{ref}/follow-up/stay", json=body)

    async def wish(self, ref: str, on: str, given_by: str = "client") -> httpx.Response:
        return await self.officer.post(
            f"/decisions/{ref}/follow-up/swap-wish", json={"answer": an_answer(on, given_by)}
        )

    async def end_swap(self, ref: str, next_on: str) -> httpx.Response:
        return await self.officer.post(f"/decisions/{ref}/follow-up/swap-wish/ending", json={"next_on": next_on})
