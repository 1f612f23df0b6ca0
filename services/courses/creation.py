"""The rules of creating a course: all or nothing, within the service description (R-CRS-38)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from contracts.refusals import Invalid, Refusal
from contracts.values import CourseState, DeliveryMode, PeriodKind
from services.courses.domain import Contract, Course, Office, Period, Terms, require_valid


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """An age group in whole years, both ends inclusive; None is open (E-46)."""

    code: str
    min_age: int | None
    max_age: int | None


@dataclass(frozen=True, slots=True)
class PlannedPeriod:
    """One period as the service description plans it; `days` None is not known."""

    kind: PeriodKind
    mode: DeliveryMode
    days: int | None


@dataclass(frozen=True, slots=True)
class Description:
    """What creating a course needs of the description version in force."""

    is_course: bool
    terms: Terms
    min_age: int | None
    max_age: int | None
    target_groups: tuple[str, ...]
    target_groups_min: int
    target_groups_max: int
    age_groups: tuple[AgeGroup, ...]
    periods: tuple[PlannedPeriod, ...]
    total_duration_months: int | None
    total_duration_enforced: bool


@dataclass(frozen=True, slots=True)
class ProposedPeriod:
    """A period as the provider enters it; the mode may be left to the description's plan."""

    first_day: date
    last_day: date
    mode: DeliveryMode | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything the provider enters for a new course."""

    group_size: int
    target_groups: tuple[str, ...]
    age_group: str | None
    periods: tuple[ProposedPeriod, ...]


def create(
    course_id: str,
    proposal: Proposal,
    contract: Contract,
    office: Office,
    description: Description,
    on: date,
) -> Course:
    """A complete new course, not yet published; its number is given when it is stored.

    Its year is that of the first period's first day (E-1); the terms of the description in force
    stay with it.

    Raises:
        Refusal: NOT_A_COURSE_SERVICE, OFFICE_OF_OTHER_PROVIDER, OFFICE_CLOSED,
            CONTRACT_NOT_VALID or what the checks below raise.
        Invalid: PERIOD_BACKWARDS or PERIODS_OVERLAP.
    """
    if not description.is_course:
        raise Refusal("NOT_A_COURSE_SERVICE", service=contract.service)
    if office.provider_id != contract.provider_id:
        raise Refusal("OFFICE_OF_OTHER_PROVIDER")
    if not office.open:
        raise Refusal("OFFICE_CLOSED")
    require_group_size(description.terms, proposal.group_size)
    require_target_groups(description, proposal.target_groups)
    ages = age_group_of(description, proposal.age_group)
    periods = plan_periods(description, proposal.periods, on)
    require_valid(contract, periods[0].first_day)
    return Course(
        course_id=course_id,
        course_number=0,
        version=1,
        contract_id=contract.contract_id,
        provider_id=contract.provider_id,
        office_id=office.office_id,
        service=contract.service,
        language=contract.language,
        state=CourseState.CREATED,
        year=periods[0].first_day.year,
        periods=periods,
        group_size=proposal.group_size,
        target_groups=proposal.target_groups,
        age_group=proposal.age_group,
        min_age=ages.min_age if ages else description.min_age,
        max_age=ages.max_age if ages else description.max_age,
        terms=description.terms,
    )


def require_group_size(terms: Terms, group_size: int) -> None:
    """The group size lies in the description's range (R-CRS-3); an unknown end does not bind."""
    too_small = group_size < (terms.group_min or 1)
    too_big = terms.group_max is not None and group_size > terms.group_max
    if too_small or too_big:
        raise Refusal(
            "GROUP_SIZE_OUT_OF_RANGE", group_size=group_size, group_min=terms.group_min or 1, group_max=terms.group_max
        )


def require_target_groups(description: Description, chosen: tuple[str, ...]) -> None:
    """As many different, known target groups as the description asks for: 1 to 3 of 3 (R-CRS-4)."""
    if not set(chosen) <= set(description.target_groups):
        raise Refusal("TARGET_GROUP_UNKNOWN", known=description.target_groups)
    least, most = description.target_groups_min, description.target_groups_max
    if len(set(chosen)) != len(chosen) or not least <= len(chosen) <= most:
        raise Refusal("TARGET_GROUPS_COUNT", least=least, most=most, chosen=len(set(chosen)))


def age_group_of(description: Description, code: str | None) -> AgeGroup | None:
    """The age group meant by `code`: needed where the description has age groups (R-CRS-47)."""
    if code is None and not description.age_groups:
        return None
    for group in description.age_groups:
        if group.code == code:
            return group
    known = [group.code for group in description.age_groups]
    raise Refusal("AGE_GROUP_REQUIRED" if code is None else "AGE_GROUP_UNKNOWN", known=known)


def plan_periods(description: Description, proposed: tuple[ProposedPeriod, ...], on: date) -> tuple[Period, ...]:
    """The periods in order, with the kinds and modes of the description's plan where it has one.

    Raises:
        Invalid: PERIOD_BACKWARDS or PERIODS_OVERLAP with the period's number.
        Refusal: PERIODS_IN_PAST, PERIOD_PLAN_MISMATCH, PERIOD_LENGTH, PERIOD_MODE_REQUIRED or
            TOTAL_DURATION_EXCEEDED (R-CRS-31, E-12).
    """
    _require_order(proposed)
    if proposed[0].first_day < on:
        raise Refusal("PERIODS_IN_PAST", first_day=proposed[0].first_day, today=on)
    plan = description.periods
    if plan and len(plan) != len(proposed):
        raise Refusal("PERIOD_PLAN_MISMATCH", planned=len(plan), given=len(proposed))
    periods = tuple(
        _follow(plan[index], index + 1, period) if plan else _unplanned(index + 1, period, len(proposed))
        for index, period in enumerate(proposed)
    )
    latest = latest_last_day(periods[0].first_day, description.total_duration_months)
    if latest and description.total_duration_enforced and periods[-1].last_day > latest:
        raise Refusal(
            "TOTAL_DURATION_EXCEEDED",
            months=description.total_duration_months,
            latest=latest,
            last_day=periods[-1].last_day,
        )
    return periods


def latest_last_day(first_day: date, months: int | None) -> date | None:
    """The last day that is still within `months` of the first (31.5.2025 + 9 = 28.2.2026, E-12)."""
    if months is None:
        return None
    year, month = divmod(first_day.year * 12 + first_day.month - 1 + months, 12)
    return date(year, month + 1, min(first_day.day, monthrange(year, month + 1)[1]))


def _require_order(proposed: tuple[ProposedPeriod, ...]) -> None:
    for index, period in enumerate(proposed):
        if period.last_day < period.first_day:
            raise Invalid("PERIOD_BACKWARDS", number=index + 1)
        if index and period.first_day <= proposed[index - 1].last_day:
            raise Invalid("PERIODS_OVERLAP", number=index + 1)


def _follow(plan: PlannedPeriod, number: int, period: ProposedPeriod) -> Period:
    if period.mode not in (None, plan.mode):
        raise Refusal("PERIOD_MODE_PLANNED", number=number, mode=plan.mode)
    days = (period.last_day - period.first_day).days + 1
    if plan.days is not None and days != plan.days:
        raise Refusal("PERIOD_LENGTH", number=number, planned=plan.days, given=days)
    return Period(number, plan.kind, plan.mode, period.first_day, period.last_day)


def _unplanned(number: int, period: ProposedPeriod, count: int) -> Period:
    if period.mode is None:
        raise Refusal("PERIOD_MODE_REQUIRED", number=number)
    kind = PeriodKind.OPENING if number == 1 else PeriodKind.CLOSING if number == count else PeriodKind.MIDDLE
    return Period(number, kind, period.mode, period.first_day, period.last_day)
