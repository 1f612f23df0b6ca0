"""A body is read once, or refused with a code that says why."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.request_body import Body, BodyKind, Malformed, UnsupportedMediaType, read_body

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.booleans())
def test_what_is_handed_on_says_what_was_read(value, escaped, with_mark):
    sent = json.dumps(value, ensure_ascii=escaped).encode("utf-8-sig" if with_mark else "utf-8")
    body = read_body(sent, JSON)
    assert body.value == value
    assert json.loads(body.content) == value


def test_of_a_name_that_comes_twice_the_last_is_handed_on_alone():
    """Else two readers might read two things."""
    assert read_body(b' {"b": 1, "a": [2.0],\n"b": 3}', JSON).content == b'{"b":3,"a":[2.0]}'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
def test_another_encoding_is_not_guessed(encoding):
    with pytest.raises(Malformed):
        read_body('{"text": "Jyväskylä"}'.encode(encoding), JSON)


def test_json_itself_would_read_another_encoding():
    """Negative control: the standard library guesses, and then two readers may read two things."""
    assert json.loads('{"text": "131052-308T"}'.encode("utf-16")) == {"text": "131052-308T"}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\xff", "not_utf_8"),
        (b'"\xc3"', "not_utf_8"),
        (rb'"\ud800"', "not_utf_8"),
        (b"{", "not_json"),
        (b"{} {}", "not_json"),
        (b" ", "not_json"),
        (b"NaN", "not_json"),
        (b"[Infinity]", "not_json"),
        (b'{"a": "\0"}', "not_json"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b"[" * 30_000, "too_deep"),
        (b"[" * 30_000 + rb'"\u0041"' + b"]" * 30_000, "too_deep"),
        (b"1" * 21, "number_too_long"),
        (b"1" * 5_000, "number_too_long"),
        (b"-" + b"1" * 5_000, "number_too_long"),
        (b"1e999", "number_too_long"),
    ],
)
def test_what_is_no_readable_json_is_malformed(sent, why):
    with pytest.raises(Malformed) as refused:
        read_body(sent, JSON)
    assert (refused.value.status, refused.value.code, refused.value.values) == (400, "MALFORMED_BODY", {"why": why})


def test_what_just_fits_is_read():
    """The limits' negative control."""
    assert read_body(b"[" * 32 + b"]" * 32, JSON).kind is BodyKind.JSON
    assert read_body(b"1" * 20, JSON).value == int("1" * 20)
    assert read_body(rb'"\ud83d\ude00"', JSON).value == "\U0001f600"


@pytest.mark.parametrize(
    ("content_type", "content_encoding"),
    [
        ("", ""),
        ("text/plain", ""),
        ("multipart/form-data; boundary=x", ""),
        ("application/octet-stream", ""),
        ("application/json; charset=utf-16", ""),
        ('application/json; charset="ISO-8859-1"', ""),
        (JSON, "gzip"),
    ],
)
def test_other_media_types_and_encodings_are_not_supported(content_type, content_encoding):
    with pytest.raises(UnsupportedMediaType):
        read_body(b"{}", content_type, content_encoding)
    assert read_body(b"", content_type, content_encoding) == Body(BodyKind.NONE)


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON;charset=UTF-8", 'application/problem+json; charset="utf-8"']
)
def test_json_is_known_by_its_media_type(content_type):
    assert read_body(b"{}", content_type, "identity").kind is BodyKind.JSON


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"a=%ff", "not_utf_8"),
        (b"a=\xff", "not_utf_8"),
        (b"a=%ED%A0%80", "not_utf_8"),
        (b"a=1&" * 101, "too_many_fields"),
    ],
)
def test_what_is_no_readable_form_is_malformed(sent, why):
    with pytest.raises(Malformed) as refused:
        read_body(sent, FORM)
    assert refused.value.values == {"why": why}


@given(st.lists(st.tuples(TEXTS.filter(bool), TEXTS), min_size=1, max_size=100))
def test_a_form_is_handed_on_as_it_was_read(fields):
    body = read_body(urlencode(fields).encode(), FORM)
    assert body.value == fields
    assert parse_qsl(body.content.decode(), keep_blank_values=True) == fields
