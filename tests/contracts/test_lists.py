"""Lists say whether a place that is kept in them leads to what is new."""

from rekku.services import SERVICES, load
from tests.openapi import document_of

FOLLOWED = {
    "courses GET /pins",
    "decisions GET /decisions",
    "decisions GET /differences",
    "decisions GET /settlements",
}
"""Those that promise it; each has a test that holds a writer open."""


def test_every_list_says_whether_it_can_be_followed():
    followed, not_followed = set(), set()
    for name in SERVICES:
        for path, methods in document_of(load(name))["paths"].items():
            for parameter in methods.get("get", {}).get("parameters", ()):
                if parameter["name"] == "after":
                    said = followed if "`resume`" in parameter["description"] else not_followed
                    said.add(f"{name} GET {path}")
    assert followed == FOLLOWED
    assert len(not_followed) > 10
