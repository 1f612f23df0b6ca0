"""Which keys of a set are used, and that the others spoil nothing; against a real server."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from chassis.auth import TokenRefused, TokenVerifier
from chassis.issuer_keys import usable_keys
from tests.chassis.issuer import OLD, Issuer, a_key, a_token

NEW = a_key("new")


def published(key: ECKey | RSAKey, **differences: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **differences}


RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
SMALL = {"kty": "RSA", "kid": "small", "n": "w" * 171, "e": "AQAB"}
UNUSABLE: list[Any] = [
    None,
    "a key",
    ["old"],
    {},
    {"kty": "oct", "kid": "secret", "k": "c2VjcmV0" * 4},
    OKPKey.generate_key("Ed25519", {"kid": "okp"}).as_dict(private=False),
    ECKey.generate_key("P-384", {"kid": "p-384"}).as_dict(private=False),
    SMALL,
    published(RSA, n=None),
    published(RSA, n=7),
    published(RSA, n=""),
    published(RSA, n="ä"),
    published(RSA, e="!"),
    published(RSA, e="AA"),
    published(RSA, alg="RSA-OAEP"),
    published(RSA, alg="PS256"),
    published(RSA, use="enc"),
    published(RSA, key_ops=["sign"]),
    published(RSA, key_ops=7),
    published(RSA, kid=7),
    {"kty": "RSA", "kid": "no numbers"},
    published(NEW, x=OLD.as_dict()["x"]),
    published(NEW, crv="secp256k1"),
    published(NEW, crv=None),
    {"kty": "AKP", "kid": "of tomorrow", "alg": "ML-DSA-44", "pub": "AAAA"},
]


@pytest.mark.parametrize("entry", UNUSABLE, ids=str)
async def test_a_key_that_cannot_be_used_spoils_no_other(issuer: Issuer, entry: Any):
    """RFC 7517, 5."""
    issuer.publish(entry, OLD, entry)
    assert (await TokenVerifier(issuer.settings()).principal_of(a_token(OLD))).subject == "officer-7"
    assert list(usable_keys(issuer.document)) == [("old", "ES256")]


def test_control_the_library_alone_fails_for_such_sets():
    spoilt = 0
    for entry in UNUSABLE:
        try:
            KeySet.import_key_set({"keys": [OLD.as_dict(private=False), entry]})
        except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
            spoilt += 1
    assert spoilt >= 10


async def test_a_secret_key_in_the_set_signs_nothing(issuer: Issuer):
    """A key of another kind under a known algorithm is no way in."""
    secret = OctKey.generate_key(256, {"kid": "old"})
    issuer.publish(secret.as_dict(), OLD)
    verifier = TokenVerifier(issuer.settings())
    good = a_token(OLD)
    assert (await verifier.principal_of(good)).subject == "officer-7"
    forged = jwt.encode({"alg": "HS256", "kid": "old"}, jwt.decode(good, OLD).claims, secret)
    with pytest.raises(TokenRefused):
        await verifier.principal_of(forged)


async def test_both_kinds_of_keys_check_and_may_share_an_id(issuer: Issuer):
    rsa, curve = RSAKey.import_key({**RSA.as_dict(private=True), "kid": "one"}), a_key("one")
    issuer.publish(published(rsa, alg="RS256", use="sig", key_ops=["verify"], x5t="irrelevant", d="leaked"), curve)
    verifier = TokenVerifier(issuer.settings())
    assert {(await verifier.principal_of(a_token(key))).subject for key in (rsa, curve)} == {"officer-7"}


async def test_a_token_without_a_key_id_is_checked_where_only_one_key_fits(issuer: Issuer):
    """A key without an id has its thumbprint as one (RFC 7638)."""
    nameless = {name: value for name, value in OLD.as_dict(private=False).items() if name != "kid"}
    issuer.publish(nameless, RSA)
    verifier = TokenVerifier(issuer.settings())
    token = a_token(OLD, header={"kid": None})
    for each in (token, a_token(OLD, header={"kid": OLD.thumbprint()})):
        assert (await verifier.principal_of(each)).subject == "officer-7"
    issuer.publish(nameless, RSA, NEW)
    with pytest.raises(TokenRefused):
        await TokenVerifier(issuer.settings()).principal_of(token)
