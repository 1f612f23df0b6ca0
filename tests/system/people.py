"""What Kela, providers and clients do in the stories, in their own words."""

import re
from dataclasses import dataclass, field
from itertools import count

from tests.system.actors import World, a_business_id

RARE = "RARE_CONNECTIVE_ADULT"
HEART = "CARDIAC_ADULT"
_clients = count(1)

RARE_PERIODS = [
    {"first_day": "2024-04-08", "last_day": "2024-04-12", "mode": "face_to_face"},
    {"first_day": "2024-06-03", "last_day": "2024-06-07", "mode": "online"},
    {"first_day": "2024-09-02", "last_day": "2024-09-06", "mode": "face_to_face"},
]
HEART_PERIODS = [
    {"first_day": "2024-04-08", "last_day": "2024-04-12"},
    {"first_day": "2024-09-02", "last_day": "2024-09-06"},
    {"first_day": "2025-01-13", "last_day": "2025-01-17"},
]


@dataclass
class Client:
    """A client: Kela's reference and a mobile number."""

    number: int = field(default_factory=lambda: next(_clients))

    @property
    def ref(self):
        return f"story-client-{self.number:04}"

    @property
    def phone(self):
        return f"+35840{2_000_000 + self.number}"

    def survey_links(self, home):
        """Tokens of the surveys on this client's phone, oldest first."""
        mails = sorted((home / "sms").glob("*/*.txt"), key=lambda path: path.name)
        texts = [path.read_text() for path in mails]
        return [
            link[1]
            for text in texts
            if f"To: {self.phone}\n" in text and (link := re.search(r"/s/([a-z0-9]{20,})", text))
        ]

    def texts(self, home):
        """Every SMS on this client's phone."""
        return [text for path in (home / "sms").glob("*/*.txt") if f"To: {self.phone}\n" in (text := path.read_text())]


@dataclass
class Kela:
    """Kela's officer."""

    world: World

    async def grant(self, client, provider, application=None):
        """Grant (or whatever the rules make of it); the decision as answered."""
        application = application or f"{client.ref}-{provider.provider_id}"
        return await self.world.kela().post(
            "decisions",
            "/decisions",
            {
                "application_ref": application,
                "client_ref": client.ref,
                "contract_id": provider.contract_id,
                "applied_on": "2024-01-02",
                "outcome": "granted",
            },
        )

    async def revoke(self, decision_ref):
        """Revoke on the client's own notice."""
        notice = {"client_notice": {"received_on": "2024-01-15", "channel": "phone"}}
        return await self.world.kela().post("decisions", f"/decisions/{decision_ref}/revocation", notice)

    async def note_phone(self, client, language="fi"):
        """Learn where the client can be reached."""
        body = {"phone": client.phone, "language": language}
        return await self.world.kela().put("decisions", f"/client-contacts/{client.ref}", body)

    async def pay(self, course_id, number, decision_refs):
        """Pay a period for these clients."""
        body = {"course_id": course_id, "period_number": number, "decision_refs": decision_refs}
        return await self.world.kela().post("decisions", "/payments", body)


@dataclass
class ProviderOfStory:
    """A provider with one office and one contract."""

    world: World
    provider_id: str = field(default_factory=a_business_id)
    office_id: str = ""
    contract_id: str = ""

    @property
    def me(self):
        return self.world.provider(self.provider_id)

    @classmethod
    async def registered(cls, world, service=RARE, announced=24, municipality="297"):
        """Registered, with an office, a contract, a contact and an announced count for 2024."""
        provider = cls(world)
        me, name = provider.me, f"Tarinan kuntoutus {provider.provider_id}"
        await me.post("registration", "/providers", {"provider_id": provider.provider_id, "name": name})
        office = await me.post(
            "registration",
            f"/providers/{provider.provider_id}/offices",
            {
                "name": "Toimipiste",
                "municipality_code": municipality,
                "street_address": "Esimerkkikatu 1",
                "postal_address": "Esimerkkikatu 1, 70100 Kuopio",
            },
        )
        provider.office_id = office["office_id"]
        contract = await world.kela().post(
            "registration",
            "/contracts",
            {"provider_id": provider.provider_id, "service": service, "language": "fi", "valid_from": "2022-01-01"},
        )
        provider.contract_id = contract["contract_id"]
        contact = {"email": "kurssit@story.example", "phone": "020 123 4567"}
        await me.put("registration", f"/contracts/{provider.contract_id}/contact", contact)
        await provider.announce(announced)
        return provider

    async def announce(self, announced, year=2024):
        path = f"/contracts/{self.contract_id}/announced-counts/{year}"
        return await self.me.put("registration", path, {"count": announced})

    def course(self, group_size=12, service=RARE, **differences):
        """The body that creates a course."""
        rare = {"target_groups": ["DISEASE_GROUP_1", "DISEASE_GROUP_3"], "periods": RARE_PERIODS}
        heart = {"target_groups": ["CORONARY"], "age_group": "UNDER_68", "periods": HEART_PERIODS}
        chosen = rare if service == RARE else heart
        return {
            "contract_id": self.contract_id,
            "office_id": self.office_id,
            "group_size": group_size,
            **chosen,
            **differences,
        }

    async def publish_course(self, group_size=12, service=RARE, **differences):
        """Create a course and publish it."""
        course = await self.me.post("courses", "/courses", self.course(group_size, service, **differences))
        return await self.me.post("courses", f"/courses/{course['course_id']}/publication")

    async def pin(self, course, decision, **options):
        body = {"decision_ref": decision["decision_ref"]}
        return await self.me.post("courses", f"/courses/{course['course_id']}/pins", body, **options)

    async def confirm(self, course):
        return await self.me.post("courses", f"/courses/{course['course_id']}/confirmation")


async def free_places(world, course):
    """What the public sees of a course's places."""
    page = await world.public().get("search", f"/courses/{course['course_number']}")
    return page["course"]["free_places"]


def all_statements(score, but=()):
    """An answered survey; `but` are statements with another score."""
    return {"answers": {str(n): score for n in range(1, 20)} | dict(but)}
