"""Certificates of a running server: the handshake's limits, and files that change under it."""

import asyncio
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol

import pytest
import uvloop

from chassis.certificates import Authorities, Certificate
from chassis.files import Unusable
from chassis.secured import SecuredProtocol
from tests.authority import Authority, serial_of
from tests.chassis.test_server import (
    HELLO,
    LIMIT_S,
    PATIENCE_S,
    Echo,
    Socket,
    Wire,
    kinds,
    let_pass,
    own_time,
    serving,
)
from tests.chassis.test_server_closing import PENDING, SMALL, none_of

CLIENT_HELLO = b"\x16\x03\x01\x02\x00"
"""The beginning of one, whose rest never comes."""


@pytest.fixture(autouse=True)
def wire(tmp_path, monkeypatch):
    monkeypatch.setattr(Wire, "authority", Authority(tmp_path / "authority"))


async def plainly(here, *parts):
    """A connection that does not shake hands."""
    peer = Socket(*await asyncio.open_connection("127.0.0.1", here.port))
    await peer.say(*parts)
    return peer


async def counted(here, number):
    """Wait until so many connections count."""
    async with asyncio.timeout(PATIENCE_S):
        while here.server.config.doors._open.total() != number:
            await asyncio.sleep(0)


async def ended(peer):
    """What came before the server closed the connection."""
    rest = await peer.rest()
    peer.writer.close()
    return rest


async def shown(here):
    """The serial number of the certificate that a new connection is shown."""
    peer = await here.connect()
    certificate = peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    await peer.say(HELLO)
    assert await peer.answer() == (200, "0\n")
    return serial_of(certificate)


@pytest.mark.parametrize("begun", [b"", CLIENT_HELLO])
@own_time
async def test_a_handshake_has_the_time_of_headers(begun, caplog):
    async with serving(header_s=LIMIT_S) as here:
        peer = await plainly(here, begun)
        await counted(here, 1)
        await let_pass(LIMIT_S - 2)
        assert not peer.reader.at_eof()
        assert kinds(caplog) == []
        await let_pass(4)
        assert await ended(peer) == b""
        assert kinds(caplog) == ["HANDSHAKE"]
        assert await shown(here) == serial_of(Wire.authority.certificate_file.read_bytes()), "others are served"


async def test_connections_count_before_they_shake_hands(caplog):
    async with serving(per_peer=3) as here:
        peers = [await plainly(here) for _ in range(3)]
        await counted(here, 3)
        fourth = await plainly(here)
        assert await ended(fourth) == b""
        assert kinds(caplog) == ["CONNECTIONS"]
        for peer in peers:
            peer.writer.close()
        await counted(here, 0)
        assert await shown(here)


async def test_control_counted_after_the_handshake_alone_a_peer_has_any_number(monkeypatch):
    monkeypatch.setattr(SecuredProtocol, "connection_made", SSLProtocol.connection_made)
    async with serving(per_peer=3) as here:
        peers = [await plainly(here) for _ in range(9)]
        assert await shown(here)
        for peer in peers:
            peer.writer.close()


@pytest.mark.parametrize("spoken", [HELLO, b"\x16\x03\x01 hello\r\n\r\n", b"\x00" * 100_000])
async def test_what_is_no_tls_is_closed_and_leaves_a_line(spoken, caplog):
    caplog.set_level(logging.DEBUG)
    async with serving() as here:
        peer = await plainly(here, spoken)
        assert b"HTTP" not in await ended(peer)
        async with asyncio.timeout(PATIENCE_S):
            while not kinds(caplog):
                await asyncio.sleep(0.001)
        assert kinds(caplog) == ["HANDSHAKE"]
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(("most", "spoken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_is_1_2_or_newer(most, spoken):
    context = ssl.create_default_context(cafile=Wire.authority.ca_file)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion[most]
    async with serving() as here:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", here.port, ssl=context)
        except (ssl.SSLError, ConnectionError):
            assert not spoken
        else:
            writer.close()
            assert spoken


async def test_who_is_not_trusted_is_not_spoken_to(tmp_path, monkeypatch):
    async with serving() as here:
        assert await shown(here)
        stranger = Authority(tmp_path / "stranger")
        context = ssl.create_default_context(cafile=stranger.ca_file)
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", here.port, ssl=context)


async def test_a_certificate_that_changes_is_shown_from_the_next_connection_on(caplog):
    authority = Wire.authority
    async with serving() as here:
        old = await here.connect(HELLO)
        assert await old.answer() == (200, "0\n")
        before = await shown(here)
        certificate, key = authority.issue()
        authority.certificate_file.write_bytes(certificate)
        authority.key_file.write_bytes(key)
        assert await shown(here) == serial_of(certificate) != before
        await old.say(HELLO)
        assert await old.answer() == (200, "0\n"), "who is connected stays so"


async def test_control_without_the_choice_of_each_handshake_the_old_one_is_shown(monkeypatch):
    monkeypatch.setattr(Certificate, "_choose", lambda *_: None)
    authority = Wire.authority
    async with serving() as here:
        before = await shown(here)
        certificate, key = authority.issue()
        authority.certificate_file.write_bytes(certificate)
        authority.key_file.write_bytes(key)
        assert await shown(here) == before


def half(authority, certificate, key):
    authority.certificate_file.write_bytes(certificate[: len(certificate) // 2])


def of_two(authority, certificate, key):
    authority.certificate_file.write_bytes(certificate)


def gone(authority, certificate, key):
    authority.key_file.unlink()


def no_key(authority, certificate, key):
    authority.certificate_file.write_bytes(certificate)
    authority.key_file.write_bytes(b"")


def sealed(authority, certificate, key):
    certificate, key = authority.issue(password=b"a password")
    authority.certificate_file.write_bytes(certificate)
    authority.key_file.write_bytes(key)


BROKEN = [half, of_two, gone, no_key, sealed]


@pytest.mark.parametrize("break_them", BROKEN)
async def test_a_pair_that_cannot_be_used_leaves_the_one_before(break_them, caplog):
    authority = Wire.authority
    certificate, key = authority.issue()
    async with serving() as here:
        before = await shown(here)
        break_them(authority, certificate, key)
        assert [await shown(here) for _ in range(3)] == [before] * 3
        told = [record for record in caplog.records if record.name == "chassis.certificates"]
        assert [record.levelno for record in told] == [logging.ERROR], "once, however many connect"
        assert "BEGIN" not in caplog.text
        authority.certificate_file.write_bytes(certificate)
        authority.key_file.write_bytes(key)
        assert await shown(here) == serial_of(certificate)


@pytest.mark.parametrize("break_them", BROKEN)
def test_at_the_start_it_ends_with_the_names_of_the_files(break_them):
    authority = Wire.authority
    assert Certificate(authority.certificate_file, authority.key_file)
    break_them(authority, *authority.issue())
    with pytest.raises(Unusable, match=r"REKKU_TLS_CERT_FILE .*REKKU_TLS_KEY_FILE .* cannot be used: \S"):
        Certificate(authority.certificate_file, authority.key_file)


def test_authorities_change_with_their_file_for_the_next_connection(tmp_path):
    one, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    file = tmp_path / "trusted.crt"
    file.write_bytes(one.ca_file.read_bytes())
    trusted = Authorities(file, "REKKU_UPSTREAM_CA_FILE")
    assert (verified(trusted, one), verified(trusted, other)) == (True, False)
    file.write_bytes(other.ca_file.read_bytes())
    assert (verified(trusted, one), verified(trusted, other)) == (False, True), "nobody is trusted for ever"
    file.write_bytes(b"")
    assert (verified(trusted, one), verified(trusted, other)) == (False, True)
    file.write_bytes(one.ca_file.read_bytes() + other.ca_file.read_bytes())
    assert (verified(trusted, one), verified(trusted, other)) == (True, True)
    with pytest.raises(Unusable, match="REKKU_UPSTREAM_CA_FILE"):
        Authorities(tmp_path / "nothing", "REKKU_UPSTREAM_CA_FILE")


def verified(trust, authority):
    """Whether a client with this trust shakes hands with a server of the authority, in memory."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.certificate_file, authority.key_file)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trust.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError:
            return False
    return True


def test_the_loop_of_a_process_serves_it_too(caplog):
    """And a server that ends does not wait for the end of a peer that rests."""

    async def play():
        async with serving(Echo(answer_bytes=3_000_000), per_peer=2, answer_s=10 * PATIENCE_S) as here:
            patient, resting = await here.connect(HELLO), await here.connect(HELLO)
            assert await (await here.connect()).rest() == b""
            for peer in (patient, resting):
                status, body = await peer.answer()
                assert (status, len(body)) == (200, 3_000_002)
            resting.writer.transport.pause_reading()
            here.server.should_exit = True
            await none_of(here.server.server_state.connections)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play())
    assert kinds(caplog) == ["CONNECTIONS"]


async def connect_deaf(here):
    """A peer that shakes hands, asks, and takes nothing more; the server's kernel keeps a few thousand bytes."""
    here.listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", here.port))
    _, writer = await asyncio.open_connection(sock=peer, ssl=Wire.trust(), server_hostname="127.0.0.1")
    writer.transport._ssl_protocol._transport.pause_reading()
    writer.write(HELLO)
    await here.app.begun.wait()
    return writer


@own_time
@pytest.mark.parametrize("noticed", [True, False])
async def test_who_does_not_take_a_small_answer_is_gone_within_the_time_for_it(noticed, caplog, monkeypatch):
    """It rests below the TLS layer; the control is the layer that does not pass that on."""
    if not noticed:
        monkeypatch.setattr(SecuredProtocol, "_pass_on", lambda _: None)
    async with serving(Echo(answer_bytes=PENDING), answer_s=LIMIT_S) as here:
        deaf = await connect_deaf(here)
        await let_pass(LIMIT_S - 2)
        assert len(here.server.server_state.connections) == 1
        await let_pass(4)
        assert (not here.server.server_state.connections) == noticed
        deaf.transport.abort()
    assert kinds(caplog) == (["TIME_FOR_ANSWER"] if noticed else [])
