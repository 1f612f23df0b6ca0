"""What the search answers, put into the words of a page. Pure: documents in, cards out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from services.gateway.wording import Wording

Document = Mapping[str, Any]

_SUGGESTIONS = 4
_FINNISH_ORDER = str.maketrans({"å": "{", "ä": "|", "ö": "}"})


@dataclass(frozen=True)
class Period:
    """One period of a course."""

    number: int
    kind: str | None
    mode: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class CourseCard:
    """One course as shown in the results and on its own page."""

    course_number: int
    state: str
    periods: tuple[Period, ...]
    group_size: int
    free_places: int
    target_names: tuple[str, ...]
    age_name: str


@dataclass(frozen=True)
class Contact:
    """Published contact details."""

    email: str
    phone: str
    web: str | None


@dataclass(frozen=True)
class Feedback:
    """A published average, 1-5 where 5 is best."""

    average: float
    answers: int


@dataclass(frozen=True)
class ChoiceAnswer:
    """What an office answers to a question that helps clients choose."""

    question: str
    answer: str


@dataclass(frozen=True)
class OfficeCard:
    """One office with one service and its courses."""

    office_id: str
    name: str
    provider_name: str
    municipality: str
    distance: str
    street_address: str
    phone: str | None
    service: str
    service_name: str
    language: str
    contact: Contact | None
    feedback: Feedback | None
    choices: tuple[ChoiceAnswer, ...]
    courses: tuple[CourseCard, ...]


@dataclass(frozen=True)
class Results:
    """One page of results."""

    municipality: str
    offices: tuple[OfficeCard, ...]
    more: str | None
    whole: bool

    @property
    def office_count(self) -> int:
        """How many different offices there are."""
        return len({office.office_id for office in self.offices})

    @property
    def course_count(self) -> int:
        """How many courses there are."""
        return sum(len(office.courses) for office in self.offices)

    @property
    def free_count(self) -> int:
        """How many places are free on them."""
        return sum(course.free_places for office in self.offices for course in office.courses)


def name_in(names: Document | None, t: Wording, otherwise: str = "") -> str:
    """A name in the page's language; without names, its code."""
    return str(names[t.language]) if names else otherwise


def office_card(item: Document, t: Wording) -> OfficeCard:
    """An offering of the search as a card."""
    office, contact, feedback = item["office"], item["contact"], item.get("feedback")
    return OfficeCard(
        office_id=office["office_id"],
        name=office["name"],
        provider_name=item["provider"]["name"],
        municipality=name_in((item["municipality"] or {}).get("names"), t),
        distance=distance_text(item.get("distance_km"), t),
        street_address=office["street_address"],
        phone=office["phone"],
        service=item["service"],
        service_name=name_in(item["service_names"], t, item["service"]),
        language=item["language"],
        contact=Contact(contact["email"], contact["phone"], contact["web"]) if contact else None,
        feedback=Feedback(feedback["average"], feedback["answers"]) if feedback and feedback["average"] else None,
        choices=tuple(choice_answer(answer, t) for answer in item.get("choice_information", ())),
        courses=tuple(course_card(course, t) for course in item.get("courses", ())),
    )


def choice_answer(answer: Document, t: Wording) -> ChoiceAnswer:
    """An answer in the page's language: the options chosen, or a number (R-SRCH-9)."""
    chosen = [name_in(option["names"], t, option["code"]) for option in answer["options"]]
    number = answer["number"]
    return ChoiceAnswer(name_in(answer["names"], t), ", ".join(chosen) if number is None else t.number(number))


def course_card(course: Document, t: Wording) -> CourseCard:
    """A course of the search as a card."""
    return CourseCard(
        course_number=course["course_number"],
        state=course["state"],
        periods=tuple(
            Period(
                period["number"],
                period["kind"],
                period["mode"],
                date.fromisoformat(period["first_day"]),
                date.fromisoformat(period["last_day"]),
            )
            for period in course["periods"]
        ),
        group_size=course["group_size"],
        free_places=course["free_places"],
        target_names=tuple(name_in(group["names"], t, group["code"]) for group in course["target_groups"]),
        age_name=_age_name(course["age_group"], t),
    )


def _age_name(group: Document | None, t: Wording) -> str:
    if group is None:
        return ""
    if group["names"]:
        return name_in(group["names"], t)
    youngest, oldest = group["min_age"], group["max_age"]
    if youngest is not None and oldest is not None:
        return t("age-from-to", **{"from": str(youngest), "to": str(oldest)})
    if youngest is not None:
        return t("age-from", **{"from": str(youngest)})
    return t("age-to", to=str(oldest)) if oldest is not None else ""


def distance_text(distance_km: float | None, t: Wording) -> str:
    """How far an office is, in whole kilometres; nothing where it is not known."""
    if distance_km is None:
        return ""
    if distance_km == 0:
        return t("distance-here")
    return t("distance-near") if distance_km < 1 else t("distance", km=t.number(round(distance_km)))


def quota_notices(quotas: Iterable[Document], t: Wording, services: frozenset[str] | None = None) -> list[str]:
    """What stops new decisions right now, said of `services` or, with None, of all; also in an area or a language."""
    texts = {"full": "quota-full", "suspended": "quota-suspended"}
    concerned = [quota for quota in quotas if services is None or quota["service"] in services]
    return [
        t(texts[each["status"]], service=name, year=str(quota["year"]))
        for quota in concerned
        for name, each in _with_scopes(quota, t)
        if each["status"] in texts
    ]


def quota_lines(quotas: Iterable[Document], t: Wording) -> list[str]:
    """Kela's published estimates and quotas, also of areas and languages, a line for each (R-DEC-8, R-DEC-14, E-55)."""
    lines = []
    for quota in quotas:
        for name, each in _with_scopes(quota, t):
            common = {"service": name, "year": str(quota["year"])}
            if each["estimate"] is not None:
                lines.append(t("quota-estimate", estimate=t.number(each["estimate"]), **common))
            if each["limit"] is not None:
                lines.append(t("quota-limit", limit=t.number(each["limit"]), **common))
    return lines


def _with_scopes(quota: Document, t: Wording) -> Iterator[tuple[str, Document]]:
    """The quota of the service and every narrower one, each with what it is called."""
    service = _service_of(quota, t)
    yield service, quota
    for scope in quota.get("scopes", ()):
        yield name_of_scope(service, scope, t), scope


def name_of_scope(service: str, scope: Document, t: Wording) -> str:
    """What a quota is called: by its service, its area and its language, as far as it is of one (E-55)."""
    area = "" if scope["area"] is None else name_in(scope["area_names"], t, scope["area"])
    language = "" if scope["language"] is None else t(f"service-language-{scope['language']}")
    return ", ".join(filter(None, (service, area, language)))


def _service_of(quota: Document, t: Wording) -> str:
    return name_in(quota["service_names"], t, quota["service"])


def similar_names(typed: str, names: Iterable[str]) -> list[str]:
    """Municipality names that somebody who typed this may have meant, at most four."""
    known = {name.casefold(): name for name in names}
    wanted = typed.casefold()
    begins = [name for folded, name in known.items() if len(wanted) > 1 and folded.startswith(wanted)]
    close = [known[folded] for folded in get_close_matches(wanted, list(known), _SUGGESTIONS, cutoff=0.65)]
    return list(dict.fromkeys([*begins, *close]))[:_SUGGESTIONS]


def in_finnish_order(name: str) -> str:
    """A key that sorts å, ä and ö behind z, as Finnish and Swedish readers expect."""
    return name.casefold().translate(_FINNISH_ORDER)
