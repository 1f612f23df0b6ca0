"""What an office answers to help clients choose, with the texts of its service's questions (R-SRCH-5, R-SRCH-9)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

Document = Mapping[str, Any]


def shown(questions: Sequence[Document], answers: Iterable[Document], today: date) -> list[dict[str, Any]]:
    """The answers to the questions that are asked today, in the order of the questions.

    An option that no question asked today names keeps its code alone.
    """
    given = {answer["question"]: answer for answer in answers}
    return [
        {
            "question": question["code"],
            "names": question["texts"],
            "options": _options(question, given[question["code"]]["options"]),
            "number": given[question["code"]]["number"],
            "unit": question["unit"],
        }
        for question in questions
        if question["code"] in given and _is_asked(question, today)
    ]


def _is_asked(question: Document, today: date) -> bool:
    first_day, last_day = question["valid_from"], question["valid_to"]
    return date.fromisoformat(first_day) <= today and (last_day is None or today <= date.fromisoformat(last_day))


def _options(question: Document, chosen: Iterable[str]) -> list[dict[str, Any]]:
    texts = {option["code"]: option["texts"] for option in question["options"]}
    return [{"code": code, "names": texts.get(code)} for code in chosen]
