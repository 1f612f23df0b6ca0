"""Claims are input: what a token says of its bearer is kept in rows and compared in SQL, so it has to be usable."""

from typing import Any

import pytest

from chassis import auth
from chassis.auth import Principal, Role, TokenVerifier
from chassis.testing import ServiceUnderTest
from tests.chassis.issuer import OLD, Issuer, a_token

PROVIDER = "2828286-3"
NOTE = {"note_id": "N-1", "provider_id": PROVIDER, "text": "hello"}
BAD: list[dict[str, Any]] = [
    {"sub": None},
    {"sub": ""},
    {"sub": " "},
    {"sub": 7},
    {"sub": ["officer-7"]},
    {"sub": {"id": 7}},
    {"sub": "officer\x00"},
    {"sub": "officer\n7"},
    {"sub": "officer\x1b[2J"},
    {"sub": "officer\u202e7"},
    {"sub": "officer\u200b7"},
    {"sub": "officer\u00a07"},
    {"sub": "\ud800"},
    {"sub": " officer-7"},
    {"sub": "x" * 256},
    {"sub": "x" * 100_000},
    {"role": None},
    {"role": "public"},
    {"role": "king"},
    {"role": "Officer"},
    {"role": ["officer"]},
    {"role": {}},
    {"role": 1},
    {"provider_id": PROVIDER},
    {"provider_id": ""},
    {"provider_id": "*"},
    {"provider_id": [PROVIDER]},
    *(
        {"role": "provider", "provider_id": provider_id}
        for provider_id in (
            None,
            "",
            "*",
            "%",
            7,
            True,
            [PROVIDER],
            {"id": PROVIDER},
            "2828286-9",
            "28282863",
            " 2828286-3",
            "2828286-3\n",
            "2828286-3\x00",
            "FI28282863",
            "2828286–3",
            "٢٨٢٨٢٨٦-٣",
            PROVIDER * 1000,
        )
    ),
    {"exp": None},
    {"exp": "soon"},
    {"exp": True},
    {"exp": -1},
    {"exp": float("nan")},
    {"iss": "https://issuer.example/"},
    {"iss": ["https://issuer.example"]},
    {"aud": "rekku\x00"},
    {"aud": []},
    {"aud": {}},
    {"nbf": "x"},
    {"nbf": 4_000_000_000},
]


@pytest.fixture
def served(toy: ServiceUnderTest, issuer: Issuer) -> ServiceUnderTest:
    toy.runtime.verifier = TokenVerifier(issuer.settings())
    return toy


def bearer(**claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {a_token(OLD, **claims)}"}


@pytest.mark.parametrize("claims", BAD, ids=lambda claims: ascii(claims)[:60])
async def test_claims_that_cannot_be_used_are_401(served: ServiceUnderTest, claims: dict[str, Any]):
    """Signed or not: nothing is written in their name, and nothing fails over them."""
    answer = await served.http(None).post("/notes", json=NOTE, headers=bearer(**claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "x" * 255},
        {"sub": "Åsa Öman"},
        {"role": "provider", "provider_id": PROVIDER},
        {"aud": ["somebody", "rekku"]},
        {"exp": 10**400},
        {"exp": 1.7e308},
    ],
    ids=lambda claims: ascii(claims)[:60],
)
async def test_control_claims_that_can_be_used_are_believed(served: ServiceUnderTest, claims: dict[str, Any]):
    assert (await served.http(None).post("/notes", json=NOTE, headers=bearer(**claims))).status_code == 201


async def test_control_unchecked_claims_reach_the_database(served: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch):
    """What the check is for: a NUL fails there, and any text is a provider."""

    def believed(claims: Any, issuer: str) -> Principal:
        return Principal(str(claims["sub"]), Role(claims["role"]), claims.get("provider_id"), issuer)

    monkeypatch.setattr(auth, "principal_in", believed)
    http = served.http(None)
    answer = await http.post("/notes", json=NOTE, headers=bearer(sub="officer\x00"))
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    claims = {"role": "provider", "provider_id": "%"}
    assert (await http.get("/my-notes", headers=bearer(**claims))).status_code == 200


def test_a_provider_is_never_all_of_them():
    """The second wall: whatever a token may say, this scope is Kela's alone (row-level security)."""
    with pytest.raises(ValueError, match="never all"):
        _ = Principal("somebody", Role.PROVIDER, "*").scope
    assert Principal("somebody", Role.OFFICER).scope == "*"
