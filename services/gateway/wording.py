"""Words, dates and numbers in the page's language: Fluent texts, Finnish and Swedish ways of writing dates."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

from babel.dates import format_date
from babel.numbers import format_decimal
from babel.units import format_unit
from fluent.runtime import FluentBundle, FluentResource

from chassis.calendar import HELSINKI
from chassis.texts import LANGUAGES

_TEXTS = Path(__file__).parent / "texts"
_LOCALES = {"fi": "fi_FI", "sv": "sv_FI", "en": "en_GB"}


class UnknownText(KeyError):
    """A page asked for a text that `texts/` does not have."""


class Wording:
    """Everything a page writes in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._bundle = FluentBundle([_LOCALES[language].replace("_", "-")], use_isolating=False)
        self._bundle.add_resource(FluentResource((_TEXTS / f"{language}.ftl").read_text(encoding="utf-8")))

    def __call__(self, message_id: str, **values: str | int | float) -> str:
        """The text `message_id`, its variables filled in; whole numbers choose singular or plural."""
        pattern = self._bundle.get_message(message_id).value if self.has(message_id) else None
        if pattern is None:
            raise UnknownText(message_id)
        text, problems = self._bundle.format_pattern(pattern, values)
        if problems:
            raise problems[0]
        return str(text)

    def has(self, message_id: str) -> bool:
        """True where there is such a text."""
        return bool(self._bundle.has_message(message_id))

    def day(self, day: date | str) -> str:
        """One date: `7.4.2025`, in English `7 April 2025`."""
        return format_date(_date(day), "d MMMM y" if self.language == "en" else "d.M.y", _LOCALES[self.language])

    def days(self, first: date | str, last: date | str) -> str:
        """A span of dates with what both ends share written once: `7.–11.4.2025`."""
        begin, end = _date(first), _date(last)
        if begin == end:
            return self.day(end)
        return f"{self._begin(begin, end)}–{self.day(end)}"

    def _begin(self, begin: date, end: date) -> str:
        if begin.year != end.year:
            return self.day(begin)
        if self.language == "en":
            return str(begin.day) if begin.month == end.month else format_date(begin, "d MMMM", "en_GB")
        dot = "." if self.language == "fi" else ""
        return f"{begin.day}{dot}" if begin.month == end.month else f"{begin.day}.{begin.month}{dot}"

    def moment(self, instant: datetime | str) -> str:
        """An instant as Helsinki date and time."""
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        local = moment.astimezone(HELSINKI)
        between = " " if self.language != "en" else ", "
        clock = f"{local.hour}.{local.minute:02}" if self.language != "en" else f"{local.hour:02}:{local.minute:02}"
        return f"{self.day(local.date())}{between}{clock}"

    def duration(self, seconds: int) -> str:
        """A length of time in whole hours or minutes, what is less in seconds: `12 tuntia`, `30 minuuttia`."""
        unit, of_unit = next(
            (unit, size) for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)) if seconds % size == 0
        )
        return format_unit(seconds // of_unit, unit, locale=_LOCALES[self.language])

    def score(self, score: Decimal | str | float) -> str:
        """A feedback average with one decimal, rounded half up (E-30): `4,6`."""
        exact = Decimal(str(score)).quantize(Decimal("0.1"), ROUND_HALF_UP)
        return format_decimal(exact, "0.0", _LOCALES[self.language])

    def number(self, number: int) -> str:
        """A whole number with its thousands apart."""
        return format_decimal(number, locale=_LOCALES[self.language])


def _date(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


@cache
def wording(language: str) -> Wording:
    """The wording of a language; what is not one of the three is Finnish."""
    return Wording(language if language in LANGUAGES else "fi")
