"""How an answer is written down to be sealed: always as long, and read as it was written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.batches.domain import FORM_BYTES, MOST_WORDS, SurveyAnswer, as_form, read_form

scores = st.dictionaries(st.integers(1, 19), st.integers(1, 5), min_size=15, max_size=19)
words = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=MOST_WORDS)


@settings(deadline=None)
@given(scores, words)
def test_a_form_is_always_as_long_and_says_what_was_answered(scores, words):
    """E-30: sealed, nothing but its length can be seen of it."""
    form = as_form(SurveyAnswer(scores, words))
    assert len(form) == FORM_BYTES
    assert read_form(form) == SurveyAnswer(scores, words)


@pytest.mark.parametrize("character", ["a", "ä", "€", "𐀀", "\0"])
def test_there_is_room_for_2000_characters_of_any_kind(character):
    """In UTF-8 a character takes up to four bytes."""
    answer = SurveyAnswer({1: 5}, character * MOST_WORDS)
    assert MOST_WORDS == 2000
    assert len(as_form(answer)) == FORM_BYTES
    assert read_form(as_form(answer)) == answer
    with pytest.raises(ValueError, match="2000 characters"):
        as_form(SurveyAnswer({1: 5}, character * (MOST_WORDS + 1)))


def test_no_words_are_not_empty_words():
    assert read_form(as_form(SurveyAnswer({}))).words is None
    assert read_form(as_form(SurveyAnswer({}, ""))).words == ""


@pytest.mark.parametrize("spoil", [lambda form: b"\2" + form[1:], lambda form: form[:-1]])
def test_a_form_of_another_version_is_not_read(spoil):
    with pytest.raises(ValueError, match="cannot be read"):
        read_form(spoil(as_form(SurveyAnswer({1: 1}))))
