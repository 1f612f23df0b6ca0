"""One declaration per topic: the single truth for brokers, ACLs, documents and checks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from contracts import courses, decisions, notifications, registration
from contracts.envelope import EVENTS, Event
from contracts.values import PersonalDataClass

SERVICES = ("registration", "courses", "decisions", "notifications", "search")
EXTERNAL = "external"
"""Owner of the topics that other systems of Kela write."""

_DEAD_LETTER = "rekku.{}.dead-letter"


@dataclass(frozen=True)
class Topic:
    """A topic and what is promised about it.

    Args:
        owner: the one service that writes it.
        key: what a record's key is; order is kept within one key.
        partitions: fixed for ever, because the key decides the partition.
        retention: None keeps everything.
        compacted: only the newest record of each key is kept.
        personal_data: what kind of personal data its records carry.
        legal_basis: why they may be kept that long.
        meaning: what its records tell, for those who subscribe.
    """

    name: str
    owner: str
    key: str
    partitions: int
    consumers: frozenset[str]
    personal_data: PersonalDataClass
    legal_basis: str
    meaning: str
    retention: timedelta | None = None
    compacted: bool = False

    @property
    def events(self) -> tuple[type[Event], ...]:
        """The event types the topic carries."""
        return tuple(event for event in EVENTS.values() if event.topic == self.name)

    @property
    def from_outside(self) -> bool:
        """True where other systems write: only what comes from an agreed `ce_source` is believed."""
        return self.owner == EXTERNAL

    @property
    def for_subscribers(self) -> bool:
        """True where Kela's other systems may be given access (docs/subscribing.md)."""
        return not self.from_outside and self.personal_data is not PersonalDataClass.RESTRICTED


def _consumers(*names: str) -> frozenset[str]:
    return frozenset(names)


_HISTORY = "Course and decision history without personal data; kept as the record of the procedure (KKRL 566/2005)."
_REFERENCES = "Pseudonymous references, kept for the legal retention time of benefit decisions (KKRL 566/2005)."

_BUSINESS = (
    Topic(
        registration.REGISTRATIONS,
        "registration",
        "aggregate id",
        4,
        _consumers("courses", "decisions", "notifications", "search"),
        PersonalDataClass.ORGANISATION_CONTACT,
        _HISTORY,
        "Providers, their offices, their contracts with contact details, and how many clients they announce a year.",
    ),
    Topic(
        registration.SERVICE_DESCRIPTIONS,
        "registration",
        "service",
        1,
        _consumers("courses", "decisions", "notifications", "search"),
        PersonalDataClass.NONE,
        _HISTORY,
        "What each rehabilitation service is: all versions of its description, with the limits its courses keep.",
    ),
    Topic(
        registration.NOTICES,
        "registration",
        "notice_id",
        1,
        _consumers("notifications"),
        PersonalDataClass.ORGANISATION_CONTACT,
        _HISTORY,
        "What a provider is to be told of its own data: audit findings, their due dates, data to look through.",
    ),
    Topic(
        courses.COURSES,
        "courses",
        "course_id",
        4,
        _consumers("registration", "decisions", "notifications", "search"),
        PersonalDataClass.ORGANISATION_CONTACT,
        _HISTORY,
        "Every course with its periods, its state, how many of its places are taken, and contact details of its own.",
    ),
    Topic(
        courses.PINS,
        "courses",
        "decision_ref",
        4,
        _consumers("decisions", "notifications"),
        PersonalDataClass.PSEUDONYM,
        _REFERENCES,
        "Where each decision's client is pinned, over all courses.",
    ),
    Topic(
        courses.REPORTS,
        "courses",
        "report_id",
        1,
        _consumers(),
        PersonalDataClass.PSEUDONYM,
        _REFERENCES,
        "What Kela is told of: clients without a place, courses deleted or moved late or although they must be run.",
    ),
    Topic(
        decisions.DECISIONS,
        "decisions",
        "decision_ref",
        4,
        _consumers("registration", "courses", "notifications"),
        PersonalDataClass.PSEUDONYM,
        _REFERENCES,
        "Decisions in their states: granted, rejected, waiting for a quota, withdrawn, revoked.",
    ),
    Topic(
        decisions.QUOTAS,
        "decisions",
        "contract_id/year, service/year or counter/subject",
        1,
        _consumers("notifications", "search"),
        PersonalDataClass.NONE,
        _HISTORY,
        "The use of announced counts and of Kela's yearly quotas, as they fill and open again; counters found wrong.",
    ),
    Topic(
        decisions.PAYMENTS,
        "decisions",
        "decision_ref",
        4,
        _consumers("notifications"),
        PersonalDataClass.PSEUDONYM,
        _REFERENCES,
        "The first payment of each period of each client's course.",
    ),
    Topic(
        decisions.CLIENT_CONTACTS,
        "decisions",
        "client_ref",
        4,
        _consumers("notifications"),
        PersonalDataClass.RESTRICTED,
        "Needed to reach the client while the rehabilitation lasts; erased with the client's key.",
        "How to reach a client, encrypted under the client's own key; a null value removes a client.",
        compacted=True,
    ),
    Topic(
        decisions.CLIENT_ELIGIBILITY,
        "decisions",
        "client_ref",
        4,
        _consumers("courses"),
        PersonalDataClass.RESTRICTED,
        "Needed to place the client on a fitting course while the decision lasts; erased with the client's key.",
        "A client's disease group and age, encrypted under the client's own key; a null value removes a client.",
        compacted=True,
    ),
    Topic(
        decisions.QUOTA_SIGNALS,
        EXTERNAL,
        "service",
        1,
        _consumers("decisions"),
        PersonalDataClass.NONE,
        _HISTORY,
        "Other systems of Kela that follow the money stop and resume deciding in a service.",
    ),
    Topic(
        notifications.MESSAGES,
        "notifications",
        "message_id",
        4,
        _consumers(),
        PersonalDataClass.PSEUDONYM,
        _REFERENCES,
        "That a message was sent, by which template and channel; never its text or recipient's number.",
        retention=timedelta(days=730),
    ),
    Topic(
        notifications.FEEDBACK,
        "notifications",
        "office_id/service",
        1,
        _consumers("search"),
        PersonalDataClass.NONE,
        _HISTORY,
        "The published feedback average of each office and service.",
    ),
)


def dead_letter_topic(service: str) -> str:
    """Name of the service's topic for records it could not apply."""
    return _DEAD_LETTER.format(service)


_DEAD_LETTERS = tuple(
    Topic(
        dead_letter_topic(service),
        service,
        "the failed record's key",
        1,
        _consumers(),
        PersonalDataClass.RESTRICTED,
        "Failed records as they came, for repair; the shortest time that leaves room for it.",
        "What the service could not apply; for its operators, not for subscribers.",
        retention=timedelta(days=30),
    )
    for service in SERVICES
)

TOPICS: dict[str, Topic] = {topic.name: topic for topic in (*_BUSINESS, *_DEAD_LETTERS)}
"""Every topic of the system by its name."""


def written_by(service: str) -> Iterable[Topic]:
    """The topics `service` owns."""
    return (topic for topic in TOPICS.values() if topic.owner == service)


def read_by(service: str) -> Iterable[Topic]:
    """The topics `service` consumes."""
    return (topic for topic in TOPICS.values() if service in topic.consumers)
