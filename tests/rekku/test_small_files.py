"""Every small file of a home, empty, broken or missing: named in one line, and never made anew over data it opens."""

import asyncio
import json
import os
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from chassis import embedded
from chassis.auth import DevIssuer, Role
from chassis.embedded import making_ready, passwords_of, start_cluster
from chassis.files import FileUnusable, Unusable
from chassis.issuer_keys import keys_in
from chassis.kafka.cluster import Broker, KafkaCluster
from chassis.settings import Settings
from deploy import compose
from rekku.home import Home
from rekku.up import fingerprint_secrets, read_keys, start_database
from tests.chassis.test_files import BREAKAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(open_home):
    return open_home


def database(home):
    return asyncio.run(start_database(Home(home)))


READERS = {
    "run.json": lambda home: Home(home).run(),
    "passwords.json": passwords_of,
    "secret": database,
    "dev-issuer.json": lambda home: DevIssuer(Settings(home=home, dev_issuer=True)),
    "dev-issuer-jwks.json": lambda home: keys_in((home / "dev-issuer-jwks.json").as_uri()),
    "postgres/postmaster.pid": database,
    "kafka/cluster.json": lambda home: KafkaCluster(home)._identity(),
    "kafka/1/data/meta.properties": lambda home: Broker(1, home / "kafka/1", 1)._is_formatted(
        home / "kafka/1/data", "id"
    ),
    ".env": lambda home: compose.write_secrets(home / ".env"),
}
FREE_TEXT = {".env", "kafka/1/data/meta.properties", "secret"}
"""Any text could be theirs; what is too short, or of another cluster, see below."""

BROKEN = [
    (name, breakage)
    for name in READERS
    for breakage in BREAKAGES
    if name not in FREE_TEXT or breakage in ("empty", "blank", "not text")
]


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("data", ["no data", "data"])
@pytest.mark.parametrize(("name", "breakage"), BROKEN)
def test_a_broken_file_is_named_with_what_to_do_and_left_as_it_is(home, name, breakage, data):
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BREAKAGES[breakage])
    if data == "data":
        # What stands beside it: passwords that open data, and records.
        (home / "passwords.json").write_bytes(BREAKAGES[breakage] if name == "passwords.json" else b'{"postgres": "x"}')
        (home / "secret").write_bytes(BREAKAGES[breakage] if name == "secret" else b"x" * 32)
        (home / "postgres").mkdir(exist_ok=True)
        (home / "postgres" / "PG_VERSION").write_text("18")
    with pytest.raises(FileUnusable) as raised:
        READERS[name](home)
    message = str(raised.value)
    assert message.startswith(f"{path} is ")
    assert any(word in message for word in ("remove it", "put it back", "start it again", "put the issuer's"))
    assert "hush" not in message
    assert "\n" not in message
    assert path.read_bytes() == BREAKAGES[breakage]


def test_a_secret_that_is_too_short_is_broken(home):
    (home / "secret").write_text("hush" * 7 + "\n" * 8)
    with pytest.raises(FileUnusable, match=r"secret is broken \(ValueError\): remove it, and a new one is made$"):
        read_keys(Home(home))
    (home / "secret").write_text("hush" * 8)
    read_keys(Home(home))


KEYS = {"passwords.json": "postgres/PG_VERSION", "secret": "postgres/PG_VERSION"}


@pytest.mark.parametrize("name", KEYS)
def test_what_opens_data_is_not_made_anew_where_there_are_data(home, name):
    read_keys(Home(home))
    before = files_in(home)
    read_keys(Home(home))
    assert files_in(home) == before
    (home / name).unlink()
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("18")
    with pytest.raises(FileUnusable, match=f"{name} is missing: .*postgres cannot be used without it"):
        database(home)
    assert not (home / name).exists()


@pytest.mark.parametrize("name", KEYS)
def test_before_there_are_data_it_is_made(home, name):
    """Negative control of the test above."""
    read_keys(Home(home))
    first = files_in(home)
    (home / name).unlink()
    read_keys(Home(home))
    assert files_in(home).keys() == first.keys() == {Path(name) for name in (*KEYS, "fingerprint-secret")}
    assert files_in(home) != first
    assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_a_home_of_before_gets_its_secret_of_fingerprints(home):
    """Also where there are data: it opens none. Each service's own follows from it, and stays."""
    read_keys(Home(home))
    (home / "fingerprint-secret").unlink()
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("18")
    read_keys(Home(home))
    own = fingerprint_secrets(Home(home))
    assert own == fingerprint_secrets(Home(home))
    assert len(set(own.values())) == len(own) == 6
    assert min(map(len, own.values())) >= 32


def test_the_issuers_public_keys_follow_from_its_own(home):
    settings = Settings(home=home, dev_issuer=True)
    jwks = DevIssuer.jwks_path(home)
    keys = DevIssuer(settings).jwks()
    for breakage in BREAKAGES.values():
        jwks.write_bytes(breakage)
        assert DevIssuer(settings).jwks() == json.loads(jwks.read_text()) == keys
    jwks.unlink()
    assert DevIssuer(settings).token(Role.OFFICER)
    assert len(keys_in(jwks.as_uri())) == 1


@pytest.mark.parametrize("text", ["{}", '{"kty": "RSA"}', '{"kty": "oct", "k": "aHVzaA"}', "public"])
def test_a_key_that_cannot_sign_is_broken(home, text):
    if text == "public":
        DevIssuer(Settings(home=home, dev_issuer=True))
        [public] = json.loads(DevIssuer.jwks_path(home).read_text())["keys"]
        text = json.dumps(public)
    (home / "dev-issuer.json").write_text(text)
    with pytest.raises(FileUnusable, match=r"dev-issuer.json is broken \(\w+\): remove it, and a new one is made$"):
        DevIssuer(Settings(home=home, dev_issuer=True))


@pytest.mark.parametrize("text", ["short", '{"id": ""}', '{"id": "x", "ports": {"1": [1]}}', "{}"])
def test_a_kafka_identity_of_another_form_is_broken(home, text):
    (home / "kafka").mkdir()
    (home / "kafka" / "cluster.json").write_text(text)
    with pytest.raises(FileUnusable, match=r"cluster.json is broken"):
        KafkaCluster(home)._identity()


def test_a_kafka_keeps_its_id_and_its_ports(home):
    cluster = KafkaCluster(home, 2)
    cluster._folder.mkdir()
    first = cluster._identity()
    assert KafkaCluster(home, 2)._identity() == first
    (home / "kafka" / "cluster.json").unlink()
    assert KafkaCluster(home, 2)._identity()[0] != first[0]


def formatted(home, text):
    """A broker whose folder holds records, and `text` as Kafka's own ids; None leaves them out."""
    data = home / "kafka" / "1" / "data"
    (data / "rekku.pins-0").mkdir(parents=True)
    if text is not None:
        (data / "meta.properties").write_text(text)
    return Broker(1, data.parent, 1)._is_formatted(data, "id")


def test_kafkas_ids_beside_its_records(home):
    assert formatted(home, "#\nversion=1\ncluster.id=id\nnode.id=1\n")
    (home / "kafka" / "cluster.json").unlink(missing_ok=True)
    with pytest.raises(FileUnusable, match=r"cluster.json is missing: .*kafka/1/data cannot be used without it"):
        KafkaCluster(home)._identity()


@pytest.mark.parametrize(
    ("text", "fragment"), [(None, "is missing, and there are records"), ("cluster.id=other\n", "is not of the cluster")]
)
def test_kafkas_ids_that_are_lost_or_anothers(home, text, fragment):
    with pytest.raises(Unusable, match=f"meta.properties {fragment}.*: put it back from a backup, or remove"):
        formatted(home, text)


def test_a_folder_without_records_is_formatted(home):
    """Negative control of the test above."""
    data = home / "kafka" / "1" / "data"
    assert not Broker(1, data.parent, 1)._is_formatted(data, "id")
    data.mkdir(parents=True)
    assert not Broker(1, data.parent, 1)._is_formatted(data, "id")


def with_a_postmaster_file(home, pid):
    """The data of a server that was killed, or of one that runs; the file it leaves there."""
    data = home / "postgres"
    data.mkdir(exist_ok=True)
    lines = (pid, data, 1712346200, 5432, data, "", "8826964 65536", "ready")
    (data / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines))
    return data / "postmaster.pid"


def test_the_file_of_a_killed_server_whose_number_is_anothers_now_is_removed(home):
    path = with_a_postmaster_file(home, os.getpid())
    embedded._check_postmaster_file(path.parent)
    assert not path.exists()


def test_the_file_of_a_server_that_is_gone_is_left_to_postgresql(home):
    """It learns from it which memory the server's processes may still hold."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    path = with_a_postmaster_file(home, process.pid)
    embedded._check_postmaster_file(path.parent)
    assert path.exists()


def test_the_file_of_a_server_that_runs_stays(home):
    """Negative control of the first of the three."""
    (home / "postgres").mkdir()
    with subprocess.Popen(["cat"], cwd=home / "postgres", stdin=subprocess.PIPE) as process:
        path = with_a_postmaster_file(home, process.pid)
        embedded._check_postmaster_file(path.parent)
        assert path.exists()


def test_a_server_that_cannot_start_says_why_and_nothing_is_left_running(home):
    data = home / "postgres"
    data.mkdir()
    (data / "in the way").touch()
    with pytest.raises(
        Unusable, match=r"PostgreSQL does not start in .*postgres: directory .* exists but is not empty"
    ):
        start_cluster(home, ["search"])


def test_a_home_survives_what_a_crash_can_leave_behind(home):
    """A first start cut short; a killed server's files; every small file keeps its owner and mode."""
    data = home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    (home / "postgres.unfinished").touch()
    start_cluster(home, ["search"]).stop()
    assert not (home / "postgres.unfinished").exists()
    access, version = data / "pg_hba.conf", data / "PG_VERSION"
    assert access.read_text() == "local all all scram-sha-256\n"
    assert (access.stat().st_uid, stat.S_IMODE(access.stat().st_mode)) == (version.stat().st_uid, 0o600)
    passwords = (home / "passwords.json").read_bytes()

    # Killed in the middle, and its number is this process' now.
    with_a_postmaster_file(home, os.getpid())
    (data / ".handle_pids.json").write_text("[7")
    cluster = start_cluster(home, ["search", "courses"])
    # As on a full disk: its own log says why it broke off, and nothing waits for a server that cannot stop in peace.
    with (
        pytest.raises(Unusable, match=r"postgres broke off \(DivisionByZeroError\): division by zero$"),
        making_ready(cluster),
    ):
        asyncio.run(query(cluster, "SELECT 1 / 0"))
    assert not (data / "postmaster.pid").exists()
    cluster.stop()
    assert passwords_of(home).items() > json.loads(passwords).items()
    assert "rekku_courses" in passwords_of(home)
    assert stat.S_IMODE((home / "passwords.json").stat().st_mode) == 0o600

    (home / "passwords.json").unlink()
    with pytest.raises(FileUnusable, match=r"passwords.json is missing: .*put it back from a backup$"):
        start_cluster(home, ["search"])
    assert not (home / "passwords.json").exists()


async def query(cluster, sql):
    connection = await asyncpg.connect(cluster.url("postgres", "postgres"))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def with_little_room(home, command, room):
    """A command where no file can grow past a size in bytes: its status, stdout and stderr."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKKU_")}
    done = subprocess.run(
        [sys.executable, "-m", "rekku", command],
        cwd=ROOT,
        env=inherited | {"REKKU_HOME": str(home), "REKKU_PORT": "0"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "room", "fragment"),
    [
        ("up", 100, "dev-issuer.json cannot be written (File too large); make room on its disk"),
        ("migrate", 5_000_000, 'could not write to file "pg_wal/xlogtemp'),
    ],
)
def test_a_full_disk_at_start_is_one_line(home, command, room, fragment):
    status, out, err = with_little_room(home, command, room)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"(Starting rekku in [^\n]+\n)?rekku: [^\n]+\n", err), err
    assert fragment in err
    assert err.endswith("; make room on its disk and try again\n")
