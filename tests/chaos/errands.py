"""What is asked of every instance all the time, to see whether it does its work: commands where it has some."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, cycle

from tests.chaos.client import KELA
from tests.chaos.load import LAST_FIRST_DAY, Course, Desk, Load
from tests.chaos.plan import errand_client
from tests.chaos.watch import Errand

_READS = {
    "search": "GET /quotas",
    "notifications": "GET /messages?limit=1",
    "gateway": "GET /readyz",
}


class Errands:
    """A provider left alone by chance: for each courses instance a client to pin and unpin, and a course to pay."""

    def __init__(self, load: Load):
        self._load = load
        self._desk: Desk | None = None
        self._course_id = ""
        self._clients: list[str] = []
        self._course: Course | None = None

    async def prepare(self, instances: int):
        """Register the provider, its courses, and one granted client per instance."""
        load = self._load
        self._desk = desk = await load.open_desk()
        self._course_id = await load.open_far_course(desk, LAST_FIRST_DAY + timedelta(days=7))
        self._clients = [(await load.grant_at(desk))["decision_ref"] for _ in range(instances)]
        self._course = await load.open_full_course(desk)

    async def lead_the_course(self):
        """Pay the course to its end, so that each run has paid stages, however slow it is and whatever chance does."""
        await self._load.lead(self._course)

    def of(self, service: str, instance: int) -> Iterator[Errand]:
        """The errands of one instance, without end."""
        if service in _READS:
            return cycle([Errand(_READS[service])])
        return {"registration": self._contacts, "decisions": self._phones, "courses": self._pins}[service](instance)

    def _contacts(self, instance):
        path = {"contract_id": self._desk.contract_id}
        for number in count(instance, 2):
            body = {"email": "kurssit@kuntoutus.example", "phone": f"020 {number % 900 + 100} 1234"}
            yield Errand("PUT /contracts/{contract_id}/contact", body, path, self._desk.who)

    def _phones(self, instance):
        for number in count():
            body = {"phone": f"+35840{4_000_000 + number}", "language": "fi"}
            yield Errand("PUT /client-contacts/{client_ref}", body, {"client_ref": errand_client(instance)}, KELA)

    def _pins(self, instance):
        ref = self._clients[instance - 1]
        while True:
            path = {"course_id": self._course_id}
            yield Errand("POST /courses/{course_id}/pins", {"decision_ref": ref}, path, self._desk.who)
            path |= {"decision_ref": ref}
            yield Errand("DELETE /courses/{course_id}/pins/{decision_ref}", None, path, self._desk.who)
