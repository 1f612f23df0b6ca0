"""The rules of registration: plain types and pure functions."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from contracts.municipalities import municipalities, successors
from contracts.refusals import Forbidden, Invalid, NotFound, Refusal
from contracts.values import CountChange, CourseState, DecisionState, Language

WINDOW_CLOSES = (10, 31)
"""Month and day: the last day on which next year's count can be announced (R-REG-8, P1)."""

_USES_ANNOUNCED_COUNT = frozenset(
    {DecisionState.GRANTED, DecisionState.REVOKED, DecisionState.EXPIRED, DecisionState.USED}
)


@dataclass(frozen=True)
class Provider:
    """A service provider; its id is its business ID (Y-tunnus)."""

    provider_id: str
    name: str
    version: int = 1


@dataclass(frozen=True)
class Office:
    """An office; every office is registered on its own (P3)."""

    office_id: str
    provider_id: str
    name: str
    municipality_code: str
    street_address: str
    postal_address: str
    phone: str | None = None
    open: bool = True
    email: str | None = None
    web: str | None = None
    version: int = 1


@dataclass(frozen=True)
class Contact:
    """Published contact details: addresses of a role, never of a person."""

    email: str
    phone: str
    web: str | None = None


@dataclass(frozen=True)
class Contract:
    """Provider x service x language (E-4); `counts` is the announced count in force by year.

    `defaulted` are the years that began from the year before, nothing having been announced (E-2).
    """

    contract_id: str
    provider_id: str
    service: str
    language: Language
    valid_from: date
    valid_to: date | None = None
    contact: Contact | None = None
    counts: Mapping[int, int] = field(default_factory=dict)
    defaulted: frozenset[int] = frozenset()
    version: int = 1

    def in_force_during(self, year: int) -> bool:
        """True where at least one day of `year` belongs to the contract."""
        return self.valid_from.year <= year and (self.valid_to is None or year <= self.valid_to.year)

    def ended_before(self, day: date) -> bool:
        """True where the contract's last day is over; then nothing new is announced, decided or published (E-45)."""
        return self.valid_to is not None and self.valid_to < day


def require_provided(service: str, services: Collection[str]) -> None:
    """Only what the provider has a contract for is spoken of.

    Raises:
        Refusal: SERVICE_NOT_PROVIDED, with the services it may be.
    """
    if service not in services:
        raise Refusal("SERVICE_NOT_PROVIDED", provided=sorted(services))


@dataclass(frozen=True)
class Offer:
    """What one version of a service description lets providers contract for."""

    languages: tuple[Language, ...]
    valid_from: date
    valid_to: date | None = None

    def in_force_on(self, day: date) -> bool:
        """True from `valid_from` to `valid_to`, both inclusive."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class DecisionCopy:
    """What we keep of a decision: whether it uses up a count, and which one."""

    decision_ref: str
    contract_id: str
    provider_id: str
    year: int
    uses_count: bool
    version: int


@dataclass(frozen=True)
class CourseCopy:
    """What we keep of a course: how many places of which count it takes."""

    course_id: str
    contract_id: str
    provider_id: str
    year: int
    places: int
    version: int


@dataclass(frozen=True)
class YearGauge:
    """One year of a contract: two separate ledgers against one announced count (E-1)."""

    year: int
    announced: int | None
    decisions_used: int
    places_used: int
    defaulted: bool = False

    @property
    def state(self) -> CountChange | None:
        """Whether the provider announced the year or it began from the year before (section 7); None: neither."""
        if self.announced is None:
            return None
        return CountChange.DEFAULTED if self.defaulted else CountChange.ANNOUNCED

    @property
    def decisions_left(self) -> int:
        """Decisions that may still be given; never negative, also when overdrawn (E-3)."""
        return max(0, (self.announced or 0) - self.decisions_used)

    @property
    def places_left(self) -> int:
        """Places that may still be put on courses; never negative (E-3)."""
        return max(0, (self.announced or 0) - self.places_used)

    @property
    def decisions_overdrawn(self) -> int:
        """Decisions given beyond the count: what a correction below them leaves to be seen (E-3)."""
        return max(0, self.decisions_used - (self.announced or 0))

    @property
    def places_overdrawn(self) -> int:
        """Places on courses beyond the count (E-3)."""
        return max(0, self.places_used - (self.announced or 0))


def act_for(own_provider_id: str | None, provider_id: str) -> None:
    """A provider registers itself only; `own_provider_id` is None for Kela's officers.

    Raises:
        Forbidden: OTHER_PROVIDER.
    """
    if own_provider_id is not None and own_provider_id != provider_id:
        raise Forbidden("OTHER_PROVIDER")


def require_of_today(municipality_code: str) -> None:
    """An office stands in a municipality of today (E-48).

    Raises:
        Invalid: MUNICIPALITY_UNKNOWN, with `merged_into` where the code was dissolved.
    """
    if merged_into := successors().get(municipality_code):
        raise Invalid("MUNICIPALITY_UNKNOWN", reason="dissolved", merged_into=merged_into)
    if municipality_code not in municipalities():
        raise Invalid("MUNICIPALITY_UNKNOWN", reason="unknown")


def offer_on(offers: Sequence[Offer], day: date) -> Offer:
    """The offer in force on `day`.

    Raises:
        NotFound: SERVICE_UNKNOWN where the service has no description at all.
        Refusal: SERVICE_NOT_OPEN where none is in force on that day, with the first day of all.
    """
    if not offers:
        raise NotFound("SERVICE_UNKNOWN")
    for offer in offers:
        if offer.in_force_on(day):
            return offer
    raise Refusal("SERVICE_NOT_OPEN", opens_on=min(offer.valid_from for offer in offers))


def contract_for(
    offers: Sequence[Offer],
    *,
    contract_id: str,
    provider_id: str,
    service: str,
    language: Language,
    valid_from: date,
    valid_to: date | None,
) -> Contract:
    """A new contract, in a language that the service is offered in on the contract's first day (E-4, E-13).

    Raises:
        Invalid: VALIDITY_INVERTED.
        NotFound: SERVICE_UNKNOWN.
        Refusal: SERVICE_NOT_OPEN or LANGUAGE_NOT_OFFERED, with what is offered.
    """
    if valid_to is not None and valid_to < valid_from:
        raise Invalid("VALIDITY_INVERTED", valid_from=valid_from, valid_to=valid_to)
    offered = offer_on(offers, valid_from).languages
    if language not in offered:
        raise Refusal("LANGUAGE_NOT_OFFERED", language=language.value, offered=", ".join(sorted(offered)))
    return Contract(contract_id, provider_id, service, language, valid_from, valid_to)


def with_contact(contract: Contract, contact: Contact) -> Contract:
    """The contract with this published contact (R-REG-10); the same contract where nothing changed."""
    if contract.contact == contact:
        return contract
    return replace(contract, contact=contact, version=contract.version + 1)


def announce(contract: Contract, year: int, count: int, *, on: date) -> Contract:
    """The contract with a year's count announced or raised; the same contract where it stood at `count` already.

    This year's count and next year's are open. Next year's is announced from 1 January to
    31 October (R-REG-8, P1) and raised at any time (R-REG-9); no count is ever lowered and zero
    is a count (E-3). A contract that has ended announces nothing more (E-45). `on` is the Helsinki date.

    Raises:
        Refusal: YEAR_NOT_OPEN, CONTRACT_NOT_IN_FORCE, WINDOW_CLOSED or COUNT_ONLY_RAISED, with
            the figures that did not fit.
    """
    if year not in (on.year, on.year + 1):
        raise Refusal("YEAR_NOT_OPEN", year=year, this_year=on.year, next_year=on.year + 1)
    if contract.ended_before(on) or not contract.in_force_during(year):
        raise Refusal("CONTRACT_NOT_IN_FORCE", year=year, valid_from=contract.valid_from, valid_to=contract.valid_to)
    current = contract.counts.get(year)
    if current is None and year > on.year and on > date(on.year, *WINDOW_CLOSES):
        raise Refusal("WINDOW_CLOSED", year=year, closed_on=date(on.year, *WINDOW_CLOSES))
    if current is not None and count < current:
        raise Refusal("COUNT_ONLY_RAISED", current=current, wanted=count)
    if current == count:
        return contract
    return replace(contract, counts={**contract.counts, year: count}, version=contract.version + 1)


def uses_count(state: DecisionState) -> bool:
    """A grant once issued counts for its provider and year for good; only annulling it gives the slot back (E-7)."""
    return state in _USES_ANNOUNCED_COUNT


def places_of(state: CourseState, group_size: int, *, held: bool = True) -> int:
    """Places a course takes of its year's count: none once it is deleted, or cancelled before it began.

    `held` is what the course says of itself (R-CRS-37, E-34).
    """
    return group_size if held and state is not CourseState.DELETED else 0


def gauges(
    counts: Mapping[int, int],
    decisions_used: Mapping[int, int],
    places_used: Mapping[int, int],
    defaulted: Container[int] = (),
) -> tuple[YearGauge, ...]:
    """Every year with a count or a use of one, oldest first."""
    years = sorted({*counts, *decisions_used, *places_used})
    return tuple(
        YearGauge(year, counts.get(year), decisions_used.get(year, 0), places_used.get(year, 0), year in defaulted)
        for year in years
    )
