"""What the catalogue says of a service's second wall, and what gets through it (record 0033)."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from chassis.db import Transaction

OPEN: Mapping[str, Mapping[str, str]] = {
    "": {
        "inbox": "ids and hashes of events",
        "migrations": "names of files",
        "projected_positions": "numbers",
    },
    "courses": {"service_descriptions": "Kela's, public"},
    "registration": {
        "services": "Kela's, public",
        "service_descriptions": "Kela's, public",
        "choice_questions": "Kela's, public",
    },
    "decisions": {
        "services": "Kela's, public",
        "service_descriptions": "Kela's, public",
        "quotas": "counts of a service and a year, public",
        "scoped_quotas": "counts of a service, a year and an area, public",
        "suspensions": "of services, by whoever follows the money",
        "reported_tables": "figures as published",
    },
    "notifications": {"services": "Kela's, public", "quotas": "limits of a service and a year, public"},
    "search": dict.fromkeys(
        (
            "providers",
            "offices",
            "contracts",
            "offerings",
            "services",
            "service_descriptions",
            "courses",
            "feedback_averages",
            "quotas",
            "choice_information",
        ),
        "the public read model",
    ),
}
"""Tables without provider or client data that is not public, by service (empty: every service's), with the reason."""

EVERYBODYS = {"decisions": {"billing_forms"}}
"""Behind the wall because of who may write them; everybody reads them."""

DEFINERS = {"applied_migrations": "names of files"}
"""Functions that run as their owner, with what they give away."""

_RELATIONS = """
SELECT c.oid, relname AS name, relkind::text AS kind, relrowsecurity AND relforcerowsecurity AS walled,
    ARRAY(
        SELECT DISTINCT CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END
        FROM pg_policy, unnest(polroles) AS r WHERE polrelid = c.oid
    ) AS held,
    ARRAY(
        SELECT verb FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS verb
        WHERE has_table_privilege($2, c.oid, verb)
            OR verb <> 'DELETE' AND has_any_column_privilege($2, c.oid, verb)
    ) AS rights,
    (SELECT string_agg(pg_get_expr(polqual, polrelid) || coalesce(pg_get_expr(polwithcheck, polrelid), ''), ' ')
        FROM pg_policy WHERE polrelid = c.oid AND $2::regrole = ANY (polroles)) AS condition
FROM pg_class c WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname
"""


async def gaps_of(connection: asyncpg.Connection, service: str) -> list[str]:
    """Everything in a service's schema that the second wall does not go around; each in a few words."""
    own, narrow = f"rekku_{service}", f"rekku_{service}_provider"
    without = {**OPEN[""], **OPEN.get(service, {})}
    found = []
    for row in await connection.fetch(_RELATIONS, service, narrow):
        name, rights = row["name"], set(row["rights"])
        if row["kind"] != "r":
            found.append(f"{name} is no table: it shows what its owner sees")
        elif name in without:
            found += [f"{name} is open, and providers write it"] if rights - {"SELECT"} else []
        elif not row["walled"]:
            found.append(f"{name} has no row-level security that holds for its owner")
        else:
            if set(row["held"]) - {own, f"{own}_owner", narrow} or own not in row["held"]:
                found.append(f"{name} has policies for {sorted(row['held'])}")
            if rights and narrow not in row["held"]:
                found.append(f"{name} gives providers rights and no policy")
            if "*" in (row["condition"] or "") or "rekku_may_see" in (row["condition"] or ""):
                found.append(f"{name} has a policy for providers that knows a wildcard")
    definers = await connection.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace AND prosecdef ORDER BY 1", service
    )
    found += [f"{row[0]} runs as its owner" for row in definers if row[0] not in DEFINERS]
    schemas = await connection.fetch(
        "SELECT nspname FROM pg_namespace WHERE has_schema_privilege($1, oid, 'USAGE') AND nspname NOT IN"
        " ('pg_catalog', 'information_schema', 'rekku_clock', $2) AND nspname NOT LIKE 'pg\\_t%' ORDER BY 1",
        narrow,
        service,
    )
    return found + [f"providers may use the schema {row[0]}" for row in schemas]


@dataclass(frozen=True)
class Whose:
    """A row of each table: its provider, a word in every text of it, and a number for every number."""

    provider_id: str
    word: str
    number: int

    def value(self, table: str, column: str, kind: str) -> str:
        """What a column holds, as an SQL expression."""
        if column == "provider_id" or (table, column) == ("audit", "on_behalf_of"):
            return f"'{self.provider_id}'"
        if (table, column) == ("idempotency", "principal"):
            return f"""'["issuer", "{self.word}", "{self.provider_id}", "provider"]'"""
        if (table, column) == ("audit", "subject"):
            return f"CASE current_schema() WHEN 'courses' THEN 'course:{self.word}' ELSE 'office:{self.word}' END"
        return {
            "text": f"'{self.word}'",
            "boolean": "true",
            "numeric": "1",
            "uuid": "gen_random_uuid()",
            "jsonb": "'{}'",
            "json": "'{}'",
            "bytea": f"'{self.word}'::bytea",
            "date": f"date '2024-01-15' + {self.number}",
            "timestamp with time zone": f"timestamptz '2024-01-15' + {self.number} * interval '1 day'",
        }.get(kind, "'{}'" if kind.endswith("[]") else str(self.number))


@dataclass(frozen=True)
class Table:
    """A table of a service, its columns with their types, and what providers' requests may do with it."""

    name: str
    columns: Mapping[str, str]
    changed: tuple[str, ...]
    rights: frozenset[str]

    def insert(self, whose: Whose) -> str:
        """The statement that adds a row of this owner."""
        values = ", ".join(whose.value(self.name, column, kind) for column, kind in self.columns.items())
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({values})"

    def attempts(self, whose: Whose) -> dict[str, str]:
        """A statement for each verb, which returns or counts rows of this owner."""
        column = self.changed[0] if self.changed else next(iter(self.columns))
        value = column if column in self.columns else "DEFAULT"
        mark = whose.word if "text" in self.columns.values() else whose.number
        mine = f"WHERE {self.name}::text LIKE '%{mark}%'"
        return {
            "SELECT": f"SELECT FROM {self.name} {mine}",
            "INSERT": self.insert(whose),
            "UPDATE": f"UPDATE {self.name} SET {column} = {value} {mine}",
            "DELETE": f"DELETE FROM {self.name} {mine}",
        }


async def tables_of(connection: asyncpg.Connection, service: str) -> list[Table]:
    """Every table of the service's schema, with the columns that can be written."""
    narrow = f"rekku_{service}_provider"
    found = []
    for row in await connection.fetch(_RELATIONS, service, narrow):
        columns = await connection.fetch(
            "SELECT attname, format_type(atttypid, NULL) AS kind, attidentity::text = 'a' AS always,"
            " has_column_privilege($2, attrelid, attnum, 'UPDATE') AS changed FROM pg_attribute"
            " WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            row["oid"],
            narrow,
        )
        found.append(
            Table(
                row["name"],
                {column["attname"]: column["kind"] for column in columns if not column["always"]},
                tuple(column["attname"] for column in columns if column["changed"]),
                frozenset(row["rights"]),
            )
        )
    return found


async def plant(superuser: asyncpg.Connection, service: str, tables: list[Table], *owners: Whose) -> None:
    """A row of each owner in every table, whatever a column is to hold otherwise."""
    await superuser.execute(f"SET search_path = {service}")
    for row in await superuser.fetch(
        "SELECT conrelid::regclass AS of_table, conname FROM pg_constraint"
        " WHERE connamespace = $1::regnamespace AND contype = 'c' AND conrelid <> 0",
        service,
    ):
        await superuser.execute(f'ALTER TABLE {row["of_table"]} DROP CONSTRAINT "{row["conname"]}"')
    # Foreign keys have no say, but the alteration above was noted: nobody uses this database after the test.
    await superuser.execute("SET session_replication_role = replica")
    for table in tables:
        for whose in owners:
            await superuser.execute(table.insert(whose))
            seen = await superuser.execute(table.attempts(whose)["SELECT"])
            assert seen == "SELECT 1", f"{table.name} does not show whose its row is"
    await superuser.execute("RESET session_replication_role")


class _Undone(Exception):
    """Whatever an attempt did is taken back."""


async def reached(tx: Transaction, tables: list[Table], whose: Whose, *only: str) -> dict[str, set[str]]:
    """Which verbs (`only` these, where given) get at rows of this owner, by table; nothing of it stays."""
    found: dict[str, set[str]] = {}
    for table in tables:
        for verb, statement in table.attempts(whose).items():
            if only and verb not in only:
                continue
            try:
                async with tx.savepoint():
                    done = await tx.execute(statement)
                    raise _Undone(done)
            except _Undone as undone:
                if not str(undone).endswith(" 0"):
                    found.setdefault(table.name, set()).add(verb)
            except asyncpg.InsufficientPrivilegeError:
                continue
            except asyncpg.UniqueViolationError:
                found.setdefault(table.name, set()).add(verb)
    return found
