"""Keys of tokens: known ones without waiting, others by one fetch, withdrawn ones no more; against a real server."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from chassis import issuer_keys
from chassis.auth import DevIssuer, Role, TokenRefused, TokenVerifier
from chassis.issuer_keys import IssuerKeys, IssuerUnreachable
from chassis.testing import ServiceUnderTest
from tests.chassis.issuer import FAILURES, OLD, Issuer, a_key, a_token, rewritten
from tests.chassis.test_bus import until

NEW = a_key("new")


class Clock:
    """Moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def verifier(issuer: Issuer, clock: Clock) -> AsyncIterator[TokenVerifier]:
    """One that knows the old key."""
    verifier = TokenVerifier(issuer.settings(), clock)
    await verifier.principal_of(a_token(OLD))
    yield verifier
    await verifier.close()


def keys_of(verifier: TokenVerifier) -> IssuerKeys:
    return verifier._keys


@asynccontextmanager
async def kept_fresh(verifier: TokenVerifier) -> AsyncIterator[None]:
    task = asyncio.create_task(verifier.keep_fresh())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def waits(work: Coroutine[Any, Any, Any]) -> bool:
    """Whether the work has to wait for anything at all before it is done."""
    try:
        work.send(None)
    except StopIteration:
        return False
    work.close()
    return True


# Without waiting -------------------------------------------------------------------------------------------


async def test_a_known_key_is_used_without_waiting_for_anything(issuer: Issuer, verifier: TokenVerifier, clock: Clock):
    """Not for a fetch that hangs, and not when the set is old."""
    issuer.manner = "hangs"
    clock.now += 3000
    asking = asyncio.create_task(verifier.principal_of(a_token(NEW)))

    async def asked() -> bool:
        return issuer.asked == 2

    await until(asked)
    assert not waits(verifier.principal_of(a_token(OLD, sub="somebody-else")))
    asking.cancel()


async def test_control_an_unknown_key_waits(verifier: TokenVerifier, clock: Clock):
    clock.now += 3000
    assert waits(verifier.principal_of(a_token(NEW)))


async def test_what_cannot_be_a_token_asks_nobody(issuer: Issuer):
    verifier = TokenVerifier(issuer.settings())
    deep = "eyJhIjo" + "W1tb" * 2000
    for token in ("", "x", "x.y.z", "e30.e30.", "ä.b.c", deep, "W10.e30.", "ImFsZyI.e30.", "MQ.e30.", "a" * 9000):
        with pytest.raises(TokenRefused):
            await verifier.principal_of(token)
    for header in ({"alg": "none"}, {"alg": ["ES256"]}, {"kid": 7}, {"kid": ["old"]}):
        with pytest.raises(TokenRefused):
            await verifier.principal_of(rewritten(a_token(OLD), header))
    assert issuer.asked == 0


@pytest.mark.parametrize("header", [{"crit": 5}, {"crit": ["exp"]}, {"jku": 1}, {"x5c": "x"}, {"b64": False}])
async def test_a_header_that_somebody_made_up_is_refused(verifier: TokenVerifier, header: dict[str, Any]):
    with pytest.raises(TokenRefused):
        await verifier.principal_of(rewritten(a_token(OLD), header))


# One flight, a deadline, a rest ----------------------------------------------------------------------------


async def test_twenty_unknown_tokens_make_one_fetch(issuer: Issuer):
    verifier = TokenVerifier(issuer.settings())
    await asyncio.gather(*(verifier.principal_of(a_token(OLD, sub=f"s-{n}")) for n in range(20)))
    assert issuer.asked == 1


async def test_control_each_on_its_own_would_ask(issuer: Issuer):
    keys = IssuerKeys(issuer.url)
    assert all(await asyncio.gather(*(keys._fly() for _ in range(20))))
    assert issuer.asked == 20


async def test_who_goes_away_does_not_end_the_fetch_for_others(issuer: Issuer):
    verifier = TokenVerifier(issuer.settings())
    first, second = (asyncio.create_task(verifier.principal_of(a_token(OLD, sub=name))) for name in ("a", "b"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).subject == "b"
    assert (issuer.asked, first.cancelled()) == (1, True)


@pytest.mark.parametrize("manner", ["hangs", "drips"])
async def test_a_fetch_has_a_deadline_of_its_own(issuer: Issuer, monkeypatch: pytest.MonkeyPatch, manner: str):
    """Whatever trickles in: a client's time-out for a read begins anew with every byte."""
    monkeypatch.setattr(issuer_keys, "_DEADLINE_S", 0.2)
    issuer.manner = manner
    with pytest.raises(IssuerUnreachable):
        await asyncio.wait_for(IssuerKeys(issuer.url).refresh(), 10)


async def test_control_without_it_a_trickle_goes_on(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    @asynccontextmanager
    async def no_deadline(_: float) -> AsyncIterator[None]:
        yield

    monkeypatch.setattr(issuer_keys, "_DEADLINE_S", 0.2)
    monkeypatch.setattr(asyncio, "timeout", no_deadline)
    issuer.manner = "drips"
    keys = IssuerKeys(issuer.url)
    done, _ = await asyncio.wait({flight := asyncio.create_task(keys.refresh())}, timeout=1)
    assert not done
    await keys.close()
    with suppress(asyncio.CancelledError):
        await flight


async def refused_in_s(verifier: TokenVerifier) -> int:
    """After how many seconds a token with a key that is not known here should come again."""
    with pytest.raises(IssuerUnreachable) as refused:
        await verifier.principal_of(a_token(NEW))
    return refused.value.retry_after_s


@pytest.mark.parametrize("who", ["a request", "the keeping of keys"])
async def test_after_a_failure_the_issuer_is_left_alone_for_a_while(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock, who: str
):
    """Whoever asked; tokens with known keys are checked without waiting meanwhile."""
    clock.now += 20
    issuer.manner = "fails"
    if who == "a request":
        assert await refused_in_s(verifier) == 5
    else:
        assert not await keys_of(verifier)._fetched()
    refusals = []
    for _ in range(2):
        clock.now += 2
        refusals.append(await refused_in_s(verifier))
        assert not waits(verifier.principal_of(a_token(OLD, sub=str(clock.now))))
    assert (issuer.asked, refusals) == (2, [3, 1])
    issuer.publish(OLD, NEW)
    issuer.manner = "answers"
    clock.now += 1
    assert (await verifier.principal_of(a_token(NEW))).subject == "officer-7"
    assert issuer.asked == 3


async def test_control_without_a_rest_every_token_asks(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(issuer_keys, "_REST_S", 0)
    clock.now += 20
    issuer.manner = "fails"
    assert not await keys_of(verifier)._fetched()
    for _ in range(3):
        await refused_in_s(verifier)
    assert issuer.asked == 5


async def test_at_a_cold_start_a_token_is_checked_as_soon_as_the_issuer_answers(issuer: Issuer, clock: Clock):
    """The keeping of keys has just failed, and so has a request: both asked too early, as at a start of everything."""
    verifier, issuer.manner = TokenVerifier(issuer.settings(), clock), "fails"
    assert not await keys_of(verifier)._fetched()
    assert await refused_in_s(verifier) == 1
    issuer.manner = "answers"
    early = [verifier.principal_of(a_token(OLD, sub=f"s-{number}")) for number in range(20)]
    assert {principal.role for principal in await asyncio.gather(*early)} == {Role.OFFICER}
    assert issuer.asked == 3


async def test_control_with_the_rest_of_later_they_would_be_refused(
    issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(IssuerKeys, "_cold", False)
    verifier, issuer.manner = TokenVerifier(issuer.settings(), clock), "fails"
    assert not await keys_of(verifier)._fetched()
    issuer.manner = "answers"
    assert await refused_in_s(verifier) == 5


async def test_at_a_cold_start_an_issuer_that_is_away_is_asked_now_and_then(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    """By one fetch at a time, however many tokens wait; each fetch begins after the last one's rest."""
    monkeypatch.setattr(issuer_keys, "_FIRST_REST_S", 0.1)
    verifier, issuer.manner = TokenVerifier(issuer.settings()), "fails"
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await asyncio.gather(*(refused_in_s(verifier) for _ in range(20)))
    assert issuer.asked == 3
    assert asyncio.get_running_loop().time() - began >= 0.2


# 503 and 401 -----------------------------------------------------------------------------------------------


@pytest.fixture
def served(toy: ServiceUnderTest, issuer: Issuer) -> ServiceUnderTest:
    """The toy, which has just started and believes this issuer."""
    toy.runtime.verifier = TokenVerifier(issuer.settings())
    return toy


async def ask(served: ServiceUnderTest, token: str) -> tuple[int, str | None, str | None]:
    answer = await served.http(None).get("/my-notes", headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.headers.get("retry-after"), answer.json()["code"] if answer.is_error else None


@pytest.mark.parametrize("manner", [*FAILURES, "is away"])
async def test_an_issuer_that_cannot_be_asked_is_no_fault_of_the_caller(
    served: ServiceUnderTest, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, manner: str
):
    """503 at a cold start, whatever is wrong with the issuer; the token may be as good as any."""
    monkeypatch.setattr(issuer_keys, "_DEADLINE_S", 0.5)
    issuer.manner = manner
    if manner == "is away":
        served.runtime.verifier = TokenVerifier(issuer.settings(jwks_url="http://127.0.0.1:9/jwks.json"))
    for _ in range(2):
        assert await ask(served, a_token(OLD)) == (503, "1", "ISSUER_UNREACHABLE")


async def test_control_where_it_answers_the_tokens_are_looked_at(served: ServiceUnderTest):
    assert await ask(served, a_token(OLD)) == (200, None, None)
    assert await ask(served, a_token(NEW)) == (401, None, "UNAUTHENTICATED")


async def test_a_key_that_nobody_publishes_is_asked_for_every_ten_seconds(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
):
    for seconds, asked in ((9.9, 1), (0.1, 2), (5, 2)):
        clock.now += seconds
        with pytest.raises(TokenRefused):
            await verifier.principal_of(a_token(NEW))
        assert issuer.asked == asked


async def test_an_outage_of_the_issuer_is_noticed_by_nobody_for_an_hour(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
):
    issuer.manner = "fails"
    clock.now += 3599
    token = a_token(OLD, sub="late")
    await verifier.principal_of(token)
    clock.now += 1
    with pytest.raises(IssuerUnreachable):
        await verifier.principal_of(token)  # half a minute has not passed, but the key is no longer known


# Withdrawing -----------------------------------------------------------------------------------------------


async def test_a_withdrawn_key_ends_although_nobody_asks_for_another(
    issuer: Issuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
):
    """Within five minutes, and with it the tokens that were checked a moment ago."""
    assert issuer_keys._REFRESH_S + issuer_keys._DEADLINE_S + issuer_keys._REST_S <= 300
    monkeypatch.setattr(issuer_keys, "_REFRESH_S", 0.01)
    issuer.publish(NEW)

    async def refused() -> bool:
        try:
            await verifier.principal_of(a_token(OLD, sub="again"))
        except TokenRefused:
            return True
        return False

    async with kept_fresh(verifier):
        await until(refused)
    with pytest.raises(TokenRefused):
        await verifier.principal_of(a_token(OLD))
    assert (await verifier.principal_of(a_token(NEW))).subject == "officer-7"


async def test_control_without_fetching_anew_it_would_not(issuer: Issuer, verifier: TokenVerifier, clock: Clock):
    issuer.publish(NEW)
    clock.now += 3000
    assert (await verifier.principal_of(a_token(OLD))).subject == "officer-7"


async def test_a_token_just_checked_is_checked_again_once_the_set_has_changed(issuer: Issuer, verifier: TokenVerifier):
    """Also where another key has taken the withdrawn one's id."""
    trusted = a_token(OLD)
    await verifier.principal_of(trusted)
    issuer.publish(a_key("old"))
    await keys_of(verifier).refresh()
    with pytest.raises(TokenRefused):
        await verifier.principal_of(trusted)


async def test_control_with_trust_that_outlives_its_key_it_would_be_believed(issuer: Issuer, verifier: TokenVerifier):
    trusted = a_token(OLD)
    await verifier.principal_of(trusted)
    issuer.publish(a_key("old"))
    await keys_of(verifier).refresh()
    keys_of(verifier).generation -= 1
    assert (await verifier.principal_of(trusted)).subject == "officer-7"


async def test_fetching_anew_goes_on_after_failures(
    issuer: Issuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(issuer_keys, "_REFRESH_S", 0.01)
    monkeypatch.setattr(issuer_keys, "_REST_S", 0.01)
    keys_of(verifier)._clock = asyncio.get_running_loop().time
    for manner in (*[each for each in FAILURES if each not in ("hangs", "drips")], "answers"):
        issuer.manner, before = manner, issuer.asked

        async def asked(before: int = before) -> bool:
            return issuer.asked > before + 1

        async with kept_fresh(verifier):
            await until(asked)


async def test_a_running_service_fetches_its_keys_before_anybody_asks(toy: ServiceUnderTest, issuer: Issuer):
    toy.runtime.verifier = TokenVerifier(issuer.settings())
    await toy.runtime.start()

    async def asked() -> bool:
        return issuer.asked == 1

    await until(asked)
    assert toy.runtime.alive
    await toy.runtime.stop()


async def test_the_development_issuers_file_is_a_key_set_like_any_other(toy: ServiceUnderTest):
    token = DevIssuer(toy.settings).token(Role.OFFICER)
    assert (await TokenVerifier(toy.settings).principal_of(token)).issuer == toy.settings.issuer
    DevIssuer.jwks_path(toy.settings.home).unlink()
    with pytest.raises(IssuerUnreachable):
        await TokenVerifier(toy.settings).principal_of(token)
