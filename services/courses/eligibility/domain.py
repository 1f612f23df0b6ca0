"""Whether a client fits a course's target groups and ages: plain values and pure functions."""

from dataclasses import dataclass
from datetime import date

from contracts.refusals import Refusal
from services.courses.domain import Course

GROUP_UNKNOWN = "DISEASE_GROUP_UNKNOWN"
AGE_UNKNOWN = "AGE_UNKNOWN"
GROUP_MISMATCH = "target_group_mismatch"
AGE_MISMATCH = "age_mismatch"


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of a client; None is UNKNOWN. It never leaves the service, not even to the provider."""

    disease_group: str | None = None
    birth_date: date | None = None
    birth_year: int | None = None

    def ages(self, on: date) -> tuple[int, int] | None:
        """The least and the greatest age the client may have on a day; the same where the birthday is known.

        Births on 29 February are a year older on 1 March in common years (E-18).
        """
        if self.birth_date is not None:
            had_birthday = (on.month, on.day) >= (self.birth_date.month, self.birth_date.day)
            age = on.year - self.birth_date.year - (0 if had_birthday else 1)
            return age, age
        if self.birth_year is not None:
            return on.year - self.birth_year - 1, on.year - self.birth_year
        return None


NOBODY_KNOWS = Client()


def require_fit(course: Course, client: Client) -> tuple[str, ...]:
    """Refuses a client who is known not to fit; what is unknown only warns, and is returned (E-24).

    Raises:
        Refusal: TARGET_GROUP_MISMATCH or AGE_MISMATCH with what the course allows, never with
            anything about the client.
    """
    unfit = why_unfit(course, client)
    if unfit == GROUP_MISMATCH:
        raise Refusal("TARGET_GROUP_MISMATCH", allowed=course.target_groups)
    if unfit == AGE_MISMATCH:
        raise Refusal("AGE_MISMATCH", min_age=course.min_age, max_age=course.max_age, on=course.first_day)
    return unknowns(course, client)


def why_unfit(course: Course, client: Client) -> str | None:
    """What is known and different, or None; ages count on the first day of the first period (E-24)."""
    if course.target_groups and client.disease_group is not None and client.disease_group not in course.target_groups:
        return GROUP_MISMATCH
    ages = client.ages(course.first_day)
    if ages is not None and not any(_in_range(course, age) for age in range(ages[0], ages[1] + 1)):
        return AGE_MISMATCH
    return None


def unknowns(course: Course, client: Client) -> tuple[str, ...]:
    """What the course asks for and nobody knows of the client."""
    found = []
    if course.target_groups and client.disease_group is None:
        found.append(GROUP_UNKNOWN)
    ages = client.ages(course.first_day)
    if (course.min_age is not None or course.max_age is not None) and (
        ages is None or not all(_in_range(course, age) for age in ages)
    ):
        found.append(AGE_UNKNOWN)
    return tuple(found)


def _in_range(course: Course, age: int) -> bool:
    return (course.min_age is None or age >= course.min_age) and (course.max_age is None or age <= course.max_age)
