"""If-Match and If-None-Match as RFC 9110 has them: any, lists, weak tags, several lines."""

import time

import pytest
from starlette.datastructures import Headers

from chassis.preconditions import is_unchanged, read_if_match
from chassis.testing import ServiceUnderTest
from contracts.refusals import IfMatch, Invalid, Stale, expect_version

NOTE = {"note_id": "N-1", "provider_id": "2828286-3", "text": "hello"}


def headers(name: str, *lines: str) -> Headers:
    return Headers(raw=[(name.encode(), line.encode("latin-1")) for line in lines])


@pytest.mark.parametrize(
    ("lines", "versions"),
    [
        (['"3"'], {3}),
        ([' "3" '], {3}),
        (['"1", "3"'], {1, 3}),
        (['"1","3"'], {1, 3}),
        (['"1"', '"3"'], {1, 3}),
        ([', "1" ,, "3",'], {1, 3}),
        (['W/"3"'], set()),
        (['W/"3", "4"'], {4}),
        (['"of-another-kind"'], set()),
        (['"a,b", "3"'], {3}),
        (['""'], set()),
        (['"03"'], set()),
        (['"\xe4"'], set()),
        (['"999999999999999999"'], {999_999_999_999_999_999}),
        (['"9999999999999999999"'], set()),
        (['"٣"'.encode().decode("latin-1")], set()),
    ],
    ids=ascii,
)
def test_a_list_of_entity_tags_names_versions(lines: list[str], versions: set[int]):
    assert read_if_match(headers("if-match", *lines)) == IfMatch(frozenset(versions))


@pytest.mark.parametrize("lines", [["*"], [" * "]])
def test_an_asterisk_is_any_version(lines: list[str]):
    assert read_if_match(headers("if-match", *lines)) == IfMatch(None)


@pytest.mark.parametrize(
    "lines",
    [
        *(("",), (" ",), (",",), ("1",), ("'1'",), ('"1',), ('1"',), ('w/"1"',), ('W/ "1"',), ('"1" "2"',), ('"1";',)),
        *(('*, "1"',), ('"a b"',), ('"\x7f"',), ("*", "*"), ('"1"', "x")),
    ],
    ids=ascii,
)
def test_what_is_no_such_list_is_refused(lines: tuple[str, ...]):
    with pytest.raises(Invalid) as refused:
        read_if_match(headers("if-match", *lines))
    assert refused.value.code == "IF_MATCH_INVALID"


@pytest.mark.parametrize("header", [" " * 50_000 + "x", ", " * 50_000 + "x", '"1" ' * 20_000, '"' + "a" * 100_000])
def test_a_list_of_any_length_is_read_at_once(header: str):
    began = time.perf_counter()
    with pytest.raises(Invalid):
        read_if_match(headers("if-match", header))
    assert time.perf_counter() - began < 1


def test_without_the_header_nothing_is_expected():
    assert read_if_match(headers("if-none-match", '"1"')) is None
    expect_version(7, None)


@pytest.mark.parametrize(
    ("versions", "current", "fits"),
    [
        ({3}, 3, True),
        ({1, 3}, 3, True),
        ({1, 2}, 3, False),
        (set(), 3, False),
        (None, 3, True),
        (None, 0, False),
        ({0}, 0, True),
    ],
)
def test_a_version_fits_where_it_is_named(versions: set[int] | None, current: int, *, fits: bool):
    """Any version (`*`) is one that there is; 0 stands for none yet."""
    if_match = IfMatch(None if versions is None else frozenset(versions))
    if fits:
        expect_version(current, if_match)
        return
    with pytest.raises(Stale) as refused:
        expect_version(current, if_match)
    assert refused.value.values == {"current": current}


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ('"1"', 200), ('"7", "1"', 200), ('"7"', 412), ('W/"1"', 412), ('"x"', 412), ("1", 422)],
)
async def test_a_command_is_done_on_the_versions_it_names(toy: ServiceUnderTest, header: str, status: int):
    await toy.http().post("/notes", json=NOTE)
    answer = await toy.http().put("/notes/N-1", json=NOTE, headers={"if-match": header})
    assert answer.status_code == status
    assert (await toy.http().put("/notes/N-1", json=NOTE)).headers["etag"] == ('"3"' if status == 200 else '"2"')


async def test_what_is_not_there_is_not_found_whatever_was_expected(toy: ServiceUnderTest):
    """A condition counts where the request would have succeeded without it (RFC 9110, 13.2.1)."""
    for header in ("*", '"1"', 'W/"1"'):
        answer = await toy.http().put("/notes/N-1", json=NOTE, headers={"if-match": header})
        assert (answer.status_code, answer.json()["code"]) == (404, "NOTE_UNKNOWN")


@pytest.mark.parametrize(
    ("lines", "unchanged"),
    [
        ([], False),
        (["*"], True),
        (['"ab12"'], True),
        (['W/"ab12"'], True),
        (['"x", W/"ab12"'], True),
        (['"x"', '"ab12"'], True),
        (['"x"'], False),
        (["ab12"], False),
        (['"ab12'], False),
    ],
)
def test_a_list_is_unchanged_where_its_tag_is_named(lines: list[str], *, unchanged: bool):
    """Weak tags too: If-None-Match compares weakly (RFC 9110, 13.1.2)."""
    assert is_unchanged(headers("if-none-match", *lines), "ab12") is unchanged
