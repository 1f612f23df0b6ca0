"""Helsinki business dates and calendar months."""

import calendar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

HELSINKI = ZoneInfo("Europe/Helsinki")


def helsinki_date(instant: datetime) -> date:
    """The business date of an instant: 2024-12-31T22:30Z is 1.1.2025 (E-16)."""
    return instant.astimezone(HELSINKI).date()


def start_of_day(day: date) -> datetime:
    """The first instant of a Helsinki day, in UTC."""
    return datetime.combine(day, time(), HELSINKI).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """`months` calendar months later, clipped to the month's end: 31.8.2024 + 6 = 28.2.2025 (E-11)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
