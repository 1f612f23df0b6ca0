"""The rules of choice-supporting information: which questions are asked, and what answers them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from contracts.refusals import Invalid, NotFound, Refusal
from contracts.values import ChoiceKind

Given = str | int | Sequence[str]
"""What a provider enters: the code of an option, several of them, or a number."""


@dataclass(frozen=True)
class Option:
    """One option; a class of a number holds `at_least` and not `below` (E-46)."""

    code: str
    at_least: int | None = None
    below: int | None = None

    @property
    def is_class(self) -> bool:
        """True where the option stands for a range of numbers."""
        return self.at_least is not None or self.below is not None


@dataclass(frozen=True)
class Question:
    """A question of one service, asked from `valid_from` to `valid_to`, both inclusive."""

    code: str
    kind: ChoiceKind
    valid_from: date
    valid_to: date | None = None
    options: tuple[Option, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    def asked_on(self, day: date) -> bool:
        """True where the question is switched on."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Answer:
    """An answer to one question: options chosen, or a number; neither where it was withdrawn."""

    question: str
    options: tuple[str, ...] = ()
    number: int | None = None

    @property
    def withdrawn(self) -> bool:
        """True where it answers nothing."""
        return not self.options and self.number is None


@dataclass(frozen=True)
class ChoiceInformation:
    """What an office answers about a service; version 0 before the first answer."""

    office_id: str
    provider_id: str
    service: str
    answers: Mapping[str, Answer]
    version: int = 0


def leaves_gap(options: Iterable[Option]) -> bool:
    """Whether classes of a number leave one out or hold one twice: exactly 2 years is in one of them (E-46).

    The lowest class is open below and the highest above; options that are no class do not matter.
    """
    classes = sorted((each for each in options if each.is_class), key=lambda each: each.at_least or 0)
    if not classes:
        return False
    if classes[0].at_least is not None or classes[-1].below is not None:
        return True
    return any(lower.below is None or lower.below != higher.at_least for lower, higher in pairwise(classes))


def asked_on(questions: Iterable[Question], day: date) -> dict[str, Question]:
    """The questions switched on that day, by code (R-SRCH-5, R-SRCH-6)."""
    return {question.code: question for question in questions if question.asked_on(day)}


def update(
    held: ChoiceInformation, questions: Sequence[Question], given: Mapping[str, Given], *, on: date
) -> ChoiceInformation:
    """The office's answers with `given` in place of all that can be given today; the same where nothing changed.

    An answer that is left out is withdrawn. One to a question that is no longer asked stays as it is.

    Raises:
        NotFound: CHOICE_QUESTIONS_NONE where the service has no questions at all.
        Invalid: CHOICE_QUESTION_UNKNOWN, CHOICE_OPTION_UNKNOWN, CHOICE_ANSWER_KIND or
            CHOICE_NUMBER_OUT_OF_RANGE, with what is allowed.
        Refusal: CHOICE_QUESTION_NOT_OPEN, with the day it opens and the questions that are open.
    """
    if not questions:
        raise NotFound("CHOICE_QUESTIONS_NONE")
    asked = asked_on(questions, on)
    answers = {code: answer for code, answer in held.answers.items() if code not in asked}
    for code, value in given.items():
        answers[code] = _answer(_asked(code, asked, questions, on), value)
    if answers == held.answers:
        return held
    return ChoiceInformation(held.office_id, held.provider_id, held.service, answers, held.version + 1)


def changes(before: ChoiceInformation, after: ChoiceInformation) -> list[Answer]:
    """The answers that are new or different, and a withdrawn one for each that went."""
    new = [answer for code, answer in sorted(after.answers.items()) if before.answers.get(code) != answer]
    return new + [Answer(code) for code in sorted(before.answers.keys() - after.answers.keys())]


def _asked(code: str, asked: Mapping[str, Question], questions: Sequence[Question], on: date) -> Question:
    if code in asked:
        return asked[code]
    known = sorted({question.code for question in questions})
    if code not in known:
        raise Invalid("CHOICE_QUESTION_UNKNOWN", known=known)
    later = sorted(each.valid_from for each in questions if each.code == code and each.valid_from > on)
    raise Refusal(
        "CHOICE_QUESTION_NOT_OPEN",
        question=code,
        reason="later" if later else "over",
        opens_on=later[0] if later else None,
        open=sorted(asked),
    )


def _answer(question: Question, given: Given) -> Answer:
    if question.kind is ChoiceKind.NUMBER:
        return _number(question, given)
    if question.kind is ChoiceKind.ONE_OF and isinstance(given, str):
        return _options(question, (given,))
    if question.kind is ChoiceKind.SOME_OF and isinstance(given, Sequence) and not isinstance(given, str) and given:
        return _options(question, given)
    raise Invalid("CHOICE_ANSWER_KIND", question=question.code, kind=question.kind.value)


def _options(question: Question, given: Sequence[str]) -> Answer:
    allowed = [option.code for option in question.options]
    if not set(given) <= set(allowed):
        raise Invalid("CHOICE_OPTION_UNKNOWN", question=question.code, allowed=allowed)
    return Answer(question.code, options=tuple(code for code in allowed if code in given))


def _number(question: Question, given: Given) -> Answer:
    if not isinstance(given, int):
        raise Invalid("CHOICE_ANSWER_KIND", question=question.code, kind=question.kind.value)
    least, most = question.minimum, question.maximum
    if (least is not None and given < least) or (most is not None and given > most):
        raise Invalid("CHOICE_NUMBER_OUT_OF_RANGE", question=question.code, minimum=least, maximum=most)
    return Answer(question.code, number=given)
