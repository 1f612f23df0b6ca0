"""Combining marks in a row, which composing takes the square of, are never composed (UAX 15, stream-safe text)."""

import unicodedata
from contextlib import suppress
from functools import partial
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from chassis import cleaning, fields
from contracts.characters import composed, is_overmarked
from contracts.identity_codes import TextKind, holds_identity_code
from contracts.refusals import Invalid

MOST = 30
MARKS = ["\u0301", "\u0323", "\u0f73", "\u0344", "\u3099", "\ufe0f"]
RUNS = [first * 8000 + second * 8000 for first in MARKS for second in MARKS]
KINDS = [
    *(fields.words(2000), fields.words(2000, lines=True), fields.BUSINESS_ID, fields.PHONE, fields.MOBILE),
    *(fields.EMAIL, fields.WEB, fields.DECISION_REF, fields.IBAN, fields.REFERENCE_NUMBER),
    *(fields.MUNICIPALITY_CODE, fields.MUNICIPALITY, fields.AGE),
]
AROUND = ["a{}", "https://kela.fi/a{}", "https://a{}.fi", "a@b{}.fi", "a{}@kela.fi", "1{}", "{}"]


@pytest.fixture
def longest_run(monkeypatch):
    """The lengths of the runs of marks that anything is normalised with."""
    runs = [0]
    normalize = unicodedata.normalize

    def counted(form, text):
        marked = groupby(text, lambda each: unicodedata.category(each)[0] == "M")
        runs.extend(len(list(run)) for is_mark, run in marked if is_mark)
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", counted)
    return lambda: max(runs)


def test_every_kind_is_here():
    assert {kind.name for kind in KINDS} == set(fields.KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("length", [MOST + 1, 400, 16_000])
def test_no_kind_composes_a_run_of_marks(kind, around, length, longest_run):
    """In either order of the marks, whether or not a length is looked at first; it is refused or comes to nothing."""
    for run in ("\u0301" * (length // 2) + "\u0323" * (length - length // 2), "\u0f73" * length):
        for raw in (around.format(run), around.format(run[::-1])):
            with suppress(PydanticCustomError):
                kind._cleaned(raw)
            with suppress(Invalid):
                assert kind.clean(raw) is None or kind is fields.MUNICIPALITY
    assert longest_run() <= MOST


def test_the_search_for_codes_folds_a_body_of_marks_in_small_steps(longest_run):
    for run in RUNS[:8]:
        assert not holds_identity_code("a" + run, TextKind.IDENTIFIER)
        assert holds_identity_code(f"a{run} 131052-{run[:9000]}308T")
    assert longest_run() <= MOST


def test_control_a_run_that_is_composed_is_counted(longest_run):
    unicodedata.normalize("NFC", "a" + "\u0301" * (MOST + 1))
    assert longest_run() == MOST + 1


@given(st.text(st.sampled_from("aäe\u0301\u0323\u0f73 \u0e33\uac00"), max_size=MOST))
def test_up_to_that_many_marks_are_composed(text):
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("mark", MARKS)
def test_thirty_marks_are_taken_and_one_more_is_refused(mark):
    cleaned = partial(cleaning.text, longest=200)
    assert cleaned("a" + mark * MOST)
    assert is_overmarked("a" + mark * (MOST + 1))
    with pytest.raises(Invalid, match="TEXT_OVERMARKED"):
        cleaned("a" + mark * (MOST + 1))


def test_every_character_that_orders_itself_behind_another_is_a_mark():
    """Else a run of such would not be counted."""
    unmarked = [
        character
        for character in map(chr, range(0x110000))
        if unicodedata.category(character)[0] != "M"
        and unicodedata.combining(unicodedata.normalize("NFD", character)[0])
    ]
    assert unmarked == []


def test_what_is_far_too_long_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.delattr(cleaning, "composed")
    for kind in KINDS:
        with pytest.raises(PydanticCustomError):
            kind._cleaned("1" * 10_000)
