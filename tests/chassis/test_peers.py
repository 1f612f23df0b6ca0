"""Who a request comes from: only trusted proxies are believed, and their lists are read from the end."""

import pytest
from pydantic import ValidationError

from chassis.peers import BehindProxies, TrustedProxies, neighbourhood, read_network
from chassis.settings import Settings

OURS = "10.1.0.0/16, 2001:db8:aa::/48"
PROXY, OUTER_PROXY, CLIENT, FORGED = "10.1.0.7", "10.1.0.8", "192.0.2.7", "198.51.100.1"


def trusting(text: str = OURS) -> TrustedProxies:
    return TrustedProxies(Settings(trusted_proxies=text).trusted_proxies)


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        pytest.param(PROXY, [CLIENT], CLIENT, id="the only hop"),
        pytest.param(PROXY, [FORGED, CLIENT], CLIENT, id="what the client wrote itself stands before it"),
        pytest.param(PROXY, [FORGED, CLIENT, OUTER_PROXY], CLIENT, id="a chain of two of ours"),
        pytest.param(PROXY, [OUTER_PROXY], OUTER_PROXY, id="all of them are ours"),
        pytest.param(PROXY, [OUTER_PROXY, CLIENT], CLIENT, id="a client that names a proxy of ours"),
        pytest.param(PROXY, [], PROXY, id="nothing said"),
        pytest.param(CLIENT, [FORGED], CLIENT, id="a peer that is not trusted"),
        pytest.param("not an address", [FORGED], "not an address", id="a peer without an address"),
        pytest.param(PROXY, [CLIENT, "unknown"], PROXY, id="an entry that is no address"),
        pytest.param(PROXY, [CLIENT, "_hidden", OUTER_PROXY], OUTER_PROXY, id="such an entry in the middle"),
        pytest.param(PROXY, [CLIENT, "10.1.0.9/16"], PROXY, id="a network is no address"),
        pytest.param(PROXY, ["192.0.2.7:4711"], CLIENT, id="with a port"),
        pytest.param(PROXY, ["[2001:db8::7]:4711"], "2001:db8::7", id="IPv6 with a port"),
        pytest.param(PROXY, ["[2001:db8::7]"], "2001:db8::7", id="IPv6 in brackets"),
        pytest.param(PROXY, ["2001:0DB8:0:0::7"], "2001:db8::7", id="IPv6 at length"),
        pytest.param(PROXY, ["fe80::7%eth0"], "fe80::7", id="with a zone"),
        pytest.param(PROXY, ["::ffff:192.0.2.7"], CLIENT, id="IPv4 in IPv6's clothes"),
        pytest.param(PROXY, [CLIENT, "::ffff:10.1.0.8"], CLIENT, id="a proxy in those clothes"),
        pytest.param("::ffff:10.1.0.7", [CLIENT], CLIENT, id="a peer in those clothes"),
        pytest.param("2001:db8:aa::1", [CLIENT], CLIENT, id="a proxy over IPv6"),
        pytest.param("2001:db8:ab::1", [FORGED], "2001:db8:ab::1", id="one beside the network"),
    ],
)
def test_the_client_is_the_first_hop_from_the_end_that_is_not_trusted(peer, hops, client):
    assert trusting().origin(peer, hops, [])[0] == client


@pytest.mark.parametrize("hops", [[FORGED], [FORGED, CLIENT], ["unknown"], []])
def test_by_default_nobody_is_trusted(hops):
    nobody = TrustedProxies(Settings().trusted_proxies)
    for peer in (PROXY, "127.0.0.1", "::1"):
        assert nobody.origin(peer, hops, ["https"]) == (peer, None)


def test_control_reading_from_the_beginning_would_believe_the_client():
    """What the guard is for: the list's first entry is whatever the client wrote."""
    hops = [FORGED, CLIENT]
    assert hops[0] == FORGED
    assert trusting().origin(PROXY, hops, [])[0] != hops[0]
    assert trusting("0.0.0.0/1, 128.0.0.0/1").origin(PROXY, hops, [])[0] == FORGED


@pytest.mark.parametrize(
    ("peer", "hops", "schemes", "scheme"),
    [
        (PROXY, [CLIENT], ["https"], "https"),
        (PROXY, [CLIENT], ["https", "http"], "http"),
        (PROXY, [CLIENT, OUTER_PROXY], ["https", "http"], "https"),
        (PROXY, [CLIENT, OUTER_PROXY], ["https"], "https"),
        (PROXY, [CLIENT, OUTER_PROXY], ["http", "https", "http"], "https"),
        (PROXY, [CLIENT], ["gopher"], None),
        (PROXY, [CLIENT], [], None),
        (CLIENT, [CLIENT], ["https"], None),
    ],
)
def test_the_scheme_is_that_of_the_client_hop(peer, hops, schemes, scheme):
    assert trusting().origin(peer, hops, schemes)[1] == scheme


async def seen(headers, client=(PROXY, 4711), trusted=OURS):
    """The client and scheme that an application behind the layer sees."""
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    scope = {"type": "http", "scheme": "http", "client": client, "headers": headers, "path": "/"}
    await BehindProxies(app, Settings(trusted_proxies=trusted).trusted_proxies)(scope, None, None)
    return scopes[0]["client"], scopes[0]["scheme"]


async def test_several_lines_of_a_header_are_one_list_and_empty_entries_do_not_count():
    lines = [
        (b"x-forwarded-for", b"198.51.100.1, 192.0.2.7"),
        (b"x-forwarded-proto", b"HTTPS"),
        (b"x-forwarded-for", b" 10.1.0.8 , , "),
    ]
    assert await seen(lines) == ((CLIENT, 0), "https")
    assert await seen(lines[::-1]) == ((CLIENT, 0), "https")
    assert await seen(lines, client=(CLIENT, 4711)) == ((CLIENT, 4711), "http")
    assert await seen([], client=None) == (None, "http")


async def test_bytes_that_are_no_text_are_no_address():
    assert await seen([(b"x-forwarded-for", b"\xff\xfe\x00")]) == ((PROXY, 4711), "http")


async def test_host_and_the_other_header_are_never_looked_at():
    lines = [(b"x-forwarded-host", b"evil.example"), (b"forwarded", b"for=198.51.100.1;proto=https;host=evil.example")]
    assert await seen(lines) == ((PROXY, 4711), "http")


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_subscriber_of_ipv6_is_its_64(host, counted_as):
    assert neighbourhood(host) == counted_as


@pytest.mark.parametrize(
    "text", ["*", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "10.1.2.3/16", "10.0.0.0/33", "proxy.example", "10.0.0.0/8;::1"]
)
def test_a_setting_that_is_no_network_or_everybody_is_refused(text, monkeypatch):
    monkeypatch.setenv("REKKU_TRUSTED_PROXIES", text)
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings()


def test_networks_are_set_as_people_write_them(monkeypatch):
    assert Settings().trusted_proxies == ()
    monkeypatch.setenv("REKKU_TRUSTED_PROXIES", " 10.0.0.0/8,192.0.2.1 , fd00::/8,::ffff:203.0.113.0/120")
    networks = ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "203.0.113.0/24"]
    assert [str(network) for network in Settings().trusted_proxies] == networks
    assert [str(read_network(text)) for text in networks] == networks
