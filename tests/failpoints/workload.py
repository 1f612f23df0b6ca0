"""One provider's year and its clients', told in phases by careful people: what is not answered is asked again.

Nobody competes with anybody, and everything carries the year it happens in, so that the same year
told twice leaves the same rows but for the names of things. `Names` are those names.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx

from chassis.auth import DevIssuer, Role
from chassis.clock import set_simulated_now
from rekku.demo.api import newest
from rekku.up import System
from tests.system.actors import a_business_id
from tests.system.people import RARE, all_statements

CLIENTS = 7
WITHIN_S = 60.0
_AGAIN_S = 0.03
_SURVEY = re.compile(r"^To: (\S+)\nMessage-Id: (\S+)$.*/s/([a-z0-9]{20,})", re.MULTILINE | re.DOTALL)


_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


_PERIODS = (
    ("02-23", "02-27", "face_to_face"),
    ("07-01", "07-05", "online"),
    ("09-02", "09-06", "face_to_face"),
)
"""Days that are no public holiday in any year."""


class Names:
    """What the things of one year are called in every year: `‹course›` and not its id.

    An identifier is a thing as a whole: the year 2038 is not in `01a20b5b-2038-7329-a2b5-9dc063f64f66`.
    """

    def __init__(self, year: int) -> None:
        self._of = {str(year): "‹year›", str(year + 1): "‹next year›"}
        self._pattern: re.Pattern[str] | None = None

    def call(self, thing: str, name: str) -> None:
        """`thing` is known as `name` from now on."""
        self._of[thing] = f"‹{name}›"
        self._pattern = None

    def of(self, text: str) -> str:
        """The text with every thing of this year under its name."""
        if self._pattern is None:
            things = sorted(map(re.escape, self._of), key=len, reverse=True)
            self._pattern = re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join((_UUID, *things))})(?![0-9A-Za-z])")
        return self._pattern.sub(lambda found: self._of.get(found[0], found[0]), text)


@dataclass
class CarefulClient:
    """Asks again until it is answered, every command under its own Idempotency-Key."""

    system: System
    http: httpx.AsyncClient
    known: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._issuer = DevIssuer(self.system.settings)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.system.program(service).port}"

    def token(self, role: Role, provider_id: str | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {self._issuer.token(role, provider_id)}"}

    async def ask(self, method: str, url: str, *, headers: dict[str, str] | None = None, **content) -> httpx.Response:
        """The first answer that is one: not silence, and not `ask me again`."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            asked = dict(headers or {})
            if self.known:
                asked["rekku-known"] = ", ".join(newest(self.known)[-20:])
            try:
                answer = await self.http.request(method, url, headers=asked, **content)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in (502, 503, 504):
                break
            assert time.monotonic() < deadline, f"{method} {url} was not answered: {answer and answer.text}"
            await asyncio.sleep(_AGAIN_S)
        if known := answer.headers.get("rekku-known"):
            self.known.append(known)
        return answer


def yes(answer: httpx.Response) -> dict:
    """The body of an answer that says yes."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json()


class Year:
    """One provider's year; `PHASES` are told in order, with the system at rest between them."""

    def __init__(self, year: int, client: CarefulClient, admin: asyncpg.Connection, home: Path) -> None:
        self.year = year
        self.names = Names(year)
        self.provider_id = a_business_id()
        self.names.call(self.provider_id, "provider")
        for number in range(1, CLIENTS + 1):
            self.names.call(self.phone(number).removeprefix("+"), f"phone {number}")
        self.decisions: dict[int, str] = {}
        self.contract_id = self.office_id = self.course_id = ""
        self._client = client
        self._admin = admin
        self._home = home
        self._session: dict[str, str] = {}
        self._steps = 0

    def client_ref(self, number: int) -> str:
        return f"client-{self.year}-n{number}"

    def phone(self, number: int) -> str:
        return f"+35840{self.year}{number % 1000:03}"

    async def open(self) -> None:
        """The morning the year begins: Kela has its estimate, and the provider signs in at the gateway."""
        self._client.known.clear()
        await self.at(1, 15)
        yes(await self.kela("PUT", "decisions", f"/estimates/{RARE}/{self.year}", {"estimate": CLIENTS}))
        async with httpx.AsyncClient(base_url=self._client.url("gateway"), timeout=30) as browser:
            page = await browser.get("/sign-in")
            csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
            form = {"csrf": csrf[1], "role": "provider", "provider_id": self.provider_id}
            answer = await browser.post("/sign-in", data=form)
            assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
            session = (await browser.get("/session")).json()
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        self._session = {"cookie": cookies, "x-csrf-token": session["csrf_token"]}

    async def at(self, month: int, day: int, hour: int = 8) -> None:
        """The clock moves to a morning of this year, or another hour (UTC)."""
        await set_simulated_now(self._admin, datetime(self.year, month, day, hour, tzinfo=UTC))

    async def provider(self, method: str, service: str, path: str, body: dict | None = None) -> httpx.Response:
        """A command of the provider, through the gateway with a session."""
        url = f"{self._client.url('gateway')}/api/{service}{path}"
        return await self._client.ask(method, url, json=body, headers=self._session | self._key())

    async def kela(self, method: str, service: str, path: str, body: dict | None = None) -> httpx.Response:
        """A command of Kela's officer, at the service."""
        headers = self._client.token(Role.OFFICER) | self._key()
        return await self._client.ask(method, self._client.url(service) + path, json=body, headers=headers)

    def _key(self) -> dict[str, str]:
        self._steps += 1
        return {"idempotency-key": f"key-{self.year}-n{self._steps}"}

    async def register(self) -> None:
        """The provider, its office and contract, where to reach it, how many clients it takes."""
        about = {"provider_id": self.provider_id, "name": f"Vuoden {self.year} kuntoutus"}
        yes(await self.provider("POST", "registration", "/providers", about))
        office = {
            "name": "Toimipiste",
            "municipality_code": "297",
            "street_address": "Esimerkkikatu 1",
            "postal_address": "Esimerkkikatu 1, 70100 Kuopio",
        }
        offices = f"/providers/{self.provider_id}/offices"
        self.office_id = yes(await self.provider("POST", "registration", offices, office))["office_id"]
        self.names.call(self.office_id, "office")
        self.contract_id = await self.sign("contract", RARE)
        await self.set_contact(self.contract_id, "kurssit@story.example")
        yes(await self.announce(CLIENTS))

    async def sign(self, name: str, service: str) -> str:
        """A contract for this year; its id."""
        contract = {
            "provider_id": self.provider_id,
            "service": service,
            "language": "fi",
            "valid_from": f"{self.year}-01-01",
            "valid_to": f"{self.year}-12-31",
        }
        contract_id = yes(await self.kela("POST", "registration", "/contracts", contract))["contract_id"]
        self.names.call(contract_id, name)
        return contract_id

    async def set_contact(self, contract_id: str, email: str) -> None:
        """Where the provider can be reached about a contract."""
        contact = {"email": email, "phone": "020 123 4567"}
        yes(await self.provider("PUT", "registration", f"/contracts/{contract_id}/contact", contact))

    async def announce(self, count: int) -> httpx.Response:
        """So many clients are taken this year."""
        path = f"/contracts/{self.contract_id}/announced-counts/{self.year}"
        return await self.provider("PUT", "registration", path, {"count": count})

    async def pin_and_confirm(self) -> None:
        """A course is published, six clients are granted, pinned and told that it takes place."""
        for number in range(1, CLIENTS + 1):
            await self.note_phone(number)
        course = await self.publish_course(CLIENTS)
        self.course_id = course["course_id"]
        self.names.call(self.course_id, "course")
        self.names.call(str(course["course_number"]), "course number")
        for number in range(1, CLIENTS):
            await self.grant(number)
            await self.pin(number)
        yes(await self.provider("POST", "courses", f"/courses/{self.course_id}/confirmation"))

    async def note_phone(self, number: int) -> None:
        """Where a client can be reached."""
        contact = {"phone": self.phone(number), "language": "fi"}
        yes(await self.kela("PUT", "decisions", f"/client-contacts/{self.client_ref(number)}", contact))

    async def publish_course(self, places: int) -> dict:
        """A course that everybody can see."""
        course = {
            "contract_id": self.contract_id,
            "office_id": self.office_id,
            "group_size": places,
            "target_groups": ["DISEASE_GROUP_1"],
            "periods": [
                {"first_day": f"{self.year}-{first}", "last_day": f"{self.year}-{last}", "mode": mode}
                for first, last, mode in _PERIODS
            ],
        }
        made = yes(await self.provider("POST", "courses", "/courses", course))
        return yes(await self.provider("POST", "courses", f"/courses/{made['course_id']}/publication"))

    async def apply(self, number: int) -> httpx.Response:
        """A client's application is decided."""
        application = {
            "application_ref": f"application-{self.year}-n{number}",
            "client_ref": self.client_ref(number),
            "contract_id": self.contract_id,
            "applied_on": f"{self.year}-01-02",
            "outcome": "granted",
        }
        return await self.kela("POST", "decisions", "/decisions", application)

    async def grant(self, number: int) -> None:
        """A client is granted, or put into the queue."""
        self.decisions[number] = yes(await self.apply(number))["decision_ref"]
        self.names.call(self.decisions[number], f"decision {number}")

    async def pin(self, number: int) -> None:
        """A client gets a place."""
        body = {"decision_ref": self.decisions[number]}
        yes(await self.provider("POST", "courses", f"/courses/{self.course_id}/pins", body))

    async def revoke(self) -> None:
        """One client gives notice: the place is free again without anyone asking."""
        yes(await self.give_notice(self.decisions[CLIENTS - 1]))

    async def give_notice(self, decision_ref: str) -> httpx.Response:
        """A decision is revoked on the client's own notice."""
        notice = {"client_notice": {"received_on": f"{self.year}-01-15", "channel": "phone"}}
        return await self.kela("POST", "decisions", f"/decisions/{decision_ref}/revocation", notice)

    async def fill_the_quota(self) -> None:
        """The quota is full, and one more client has to wait for it."""
        yes(await self.announce(CLIENTS + 1))
        await self.set_quota(CLIENTS - 1)
        await self.grant(CLIENTS)

    async def set_quota(self, limit: int) -> None:
        """So many new clients this year."""
        yes(await self.kela("PUT", "decisions", f"/quotas/{RARE}/{self.year}", {"limit": limit}))

    async def raise_the_quota(self) -> None:
        """A higher quota lets in who waits, without anyone asking."""
        await self.set_quota(CLIENTS)

    async def pin_who_waited(self) -> None:
        """Who comes late to a confirmed course is told at once."""
        await self.pin(CLIENTS)

    async def begin(self) -> None:
        """The course's first day."""
        await self.at(2, 23)

    async def pay(self) -> None:
        """Two periods are over and paid, on the last day of the third: everybody is asked how it was."""
        await self.at(9, 6)
        await self.pay_period(1)
        await self.pay_period(2)

    async def pay_period(self, number: int) -> None:
        """A period is paid for everybody who took part."""
        refs = [ref for client, ref in sorted(self.decisions.items()) if client != CLIENTS - 1]
        body = {"course_id": self.course_id, "period_number": number, "decision_refs": refs}
        yes(await self.kela("POST", "decisions", "/payments", body))

    async def answer(self) -> None:
        """Five answers are enough for an average."""
        for _, _, token in self.surveys()[:5]:
            url = f"{self._client.url('notifications')}/surveys/{token}/answers"
            answer = await self._client.ask("POST", url, json=all_statements(1))
            # Nobody keeps an answer's key (E-30): who asks again may hear that it has been given.
            assert answer.is_success or answer.json()["code"] == "SURVEY_CLOSED", answer.text

    async def complete(self) -> None:
        """An hour past midnight in Helsinki after the last day, and an hour before decisions are reviewed."""
        await self.at(9, 6, hour=22)

    async def review(self) -> None:
        """The decisions have been used."""
        await self.at(9, 10)

    async def pay_the_rest(self) -> None:
        """The last period is paid, and everybody is asked once more."""
        await self.pay_period(3)

    async def first_of_november(self) -> None:
        """Counts are taken over into the next year; this contract ends with the year, so it has none (E-2, E-45)."""
        await self.at(11, 1)

    def texts(self) -> list[str]:
        """Every SMS that has come to this year's clients."""
        phones = {f"To: {self.phone(number)}" for number in range(1, CLIENTS + 1)}
        written = [path.read_text() for path in (self._home / "sms").glob("*/*.txt")]
        return [text for text in written if phones & set(text.splitlines())]

    def surveys(self) -> list[tuple[str, str, str]]:
        """The survey links that have come: phone, message id and token, in the order of phones."""
        return sorted(found.groups() for text in self.texts() if (found := _SURVEY.search(text)))

    PHASES = (
        register,
        pin_and_confirm,
        revoke,
        fill_the_quota,
        raise_the_quota,
        pin_who_waited,
        begin,
        pay,
        answer,
        complete,
        review,
        pay_the_rest,
        first_of_november,
    )
