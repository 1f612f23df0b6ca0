-- The embedded bus: a partitioned log in the services' own PostgreSQL.
--
-- Everything is reached through the functions below, which run as the owner and check what the
-- calling role may read and write, as a broker's access control lists do.

CREATE TABLE topics (
    topic text PRIMARY KEY,
    partitions integer NOT NULL CHECK (partitions > 0),
    compacted boolean NOT NULL,
    retention interval
);

CREATE TABLE rights (
    role text NOT NULL,
    topic text NOT NULL REFERENCES topics,
    may_write boolean NOT NULL,
    may_read boolean NOT NULL,
    PRIMARY KEY (role, topic)
);

CREATE TABLE heads (
    topic text NOT NULL REFERENCES topics,
    partition integer NOT NULL,
    next_position bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE records (
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    key bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, position),
    FOREIGN KEY (topic, partition) REFERENCES heads
);

CREATE TABLE members (
    consumer text NOT NULL,
    member text NOT NULL,
    alive_until timestamptz NOT NULL,
    PRIMARY KEY (consumer, member)
);

CREATE TABLE leases (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    member text,
    held_until timestamptz,
    PRIMARY KEY (consumer, topic, partition),
    FOREIGN KEY (topic, partition) REFERENCES heads
);

CREATE TYPE outgoing AS (
    topic text, key bytea, header_names text[], header_values bytea[], value bytea
);

CREATE FUNCTION check_right(wanted text, writing boolean) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM rights
        WHERE role = session_user AND topic = wanted AND CASE WHEN writing THEN may_write ELSE may_read END
    ) THEN
        RAISE insufficient_privilege USING MESSAGE =
            format('%s may not %s the topic %s', session_user, CASE WHEN writing THEN 'write' ELSE 'read' END, wanted);
    END IF;
END $$;

-- Appends in the order given. One writer at a time, to the end of its transaction: so positions
-- are gapless, and a reader that has seen one has seen all before it.
CREATE FUNCTION append(batch outgoing[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
DECLARE
    touched text;
BEGIN
    IF batch IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM check_right(topic, true) FROM (SELECT DISTINCT topic FROM unnest(batch)) AS wanted;
    PERFORM pg_advisory_xact_lock(hashtextextended('rekku_bus', 0));
    WITH placed AS (
        SELECT r.*, (hashtextextended(coalesce(encode(r.key, 'hex'), ''), 0) & 2147483647) % t.partitions AS partition
        FROM unnest(batch) WITH ORDINALITY AS r (topic, key, header_names, header_values, value, place)
        JOIN topics t USING (topic)
    ), numbered AS (
        SELECT *, row_number() OVER (PARTITION BY topic, partition ORDER BY place) - 1 AS nth FROM placed
    ), moved AS (
        UPDATE heads SET next_position = next_position + n.count
        FROM (SELECT topic, partition, count(*) AS count FROM numbered GROUP BY 1, 2) AS n
        WHERE heads.topic = n.topic AND heads.partition = n.partition
        RETURNING heads.topic, heads.partition, heads.next_position - n.count AS base
    ), written AS (
        INSERT INTO records (topic, partition, position, key, header_names, header_values, value)
        SELECT topic, partition, base + nth, key, header_names, header_values, value
        FROM numbered JOIN moved USING (topic, partition)
    )
    SELECT string_agg(topic || ':' || partition, ' ') INTO touched FROM moved;
    PERFORM pg_notify('rekku_bus', touched);
    RETURN cardinality(batch);
END $$;

CREATE FUNCTION consumer_of_session() RETURNS text
    LANGUAGE sql STABLE RETURN regexp_replace(session_user, '^rekku_', '');

-- Makes the caller's leases for `wanted` topics, at the beginning of the log.
CREATE FUNCTION subscribe(wanted text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
BEGIN
    PERFORM check_right(topic, false) FROM unnest(wanted) AS topic;
    INSERT INTO leases (consumer, topic, partition)
    SELECT consumer_of_session(), topic, partition FROM heads WHERE topic = ANY (wanted)
    ON CONFLICT DO NOTHING;
END $$;

-- One heartbeat of a member: renews its leases and takes free ones up to its fair share.
-- Answers with what it holds; `surplus` rows should be finished and given back.
CREATE FUNCTION lease(my_name text, hold interval, wanted text[])
    RETURNS TABLE (topic text, partition integer, "position" bigint, surplus boolean, behind bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
#variable_conflict use_column
DECLARE
    me text := consumer_of_session();
    at timestamptz := clock_timestamp();
    fair bigint;
    held bigint;
BEGIN
    INSERT INTO members VALUES (me, my_name, at + hold)
    ON CONFLICT (consumer, member) DO UPDATE SET alive_until = excluded.alive_until;
    DELETE FROM members WHERE consumer = me AND alive_until < at - interval '1 minute';
    UPDATE leases SET held_until = at + hold
    WHERE consumer = me AND member = my_name AND topic = ANY (wanted);
    GET DIAGNOSTICS held = ROW_COUNT;
    SELECT ceil(count(*)::numeric / (SELECT count(*) FROM members WHERE consumer = me AND alive_until >= at))
    INTO fair FROM leases WHERE consumer = me AND topic = ANY (wanted);
    IF held < fair THEN
        UPDATE leases l SET member = my_name, held_until = at + hold
        FROM (
            SELECT topic, partition FROM leases
            WHERE consumer = me AND topic = ANY (wanted) AND (member IS NULL OR held_until < at)
            ORDER BY topic, partition LIMIT fair - held FOR UPDATE SKIP LOCKED
        ) AS free
        WHERE l.consumer = me AND l.topic = free.topic AND l.partition = free.partition;
    END IF;
    RETURN QUERY
        SELECT l.topic, l.partition, l.position,
               row_number() OVER (ORDER BY l.topic, l.partition) > fair,
               h.next_position - l.position
        FROM leases l JOIN heads h USING (topic, partition)
        WHERE l.consumer = me AND l.member = my_name AND l.topic = ANY (wanted);
END $$;

CREATE FUNCTION read_records(wanted text, part integer, from_position bigint, most integer) RETURNS SETOF records
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
BEGIN
    PERFORM check_right(wanted, false);
    RETURN QUERY SELECT * FROM records
        WHERE topic = wanted AND partition = part AND position >= from_position
        ORDER BY position LIMIT most;
END $$;

-- Moves the low-water mark; false when the lease has gone to somebody else. It need not be on disk
-- at once: a mark that a crash takes back only brings records again that the inbox knows.
CREATE FUNCTION commit_position(my_name text, wanted text, part integer, next_position bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    WITH moved AS (
        UPDATE leases SET position = greatest(position, next_position)
        WHERE consumer = consumer_of_session() AND topic = wanted AND partition = part AND member = my_name
        RETURNING 1
    ) SELECT EXISTS (SELECT FROM moved)
$$;

CREATE FUNCTION give_back(my_name text, wanted text, part integer) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    UPDATE leases SET member = NULL, held_until = NULL
    WHERE consumer = consumer_of_session() AND topic = wanted AND partition = part AND member = my_name
$$;

CREATE FUNCTION leave(my_name text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    UPDATE leases SET member = NULL, held_until = NULL WHERE consumer = consumer_of_session() AND member = my_name;
    DELETE FROM members WHERE consumer = consumer_of_session() AND member = my_name
$$;

-- How many records the caller has not finished yet, over all its partitions.
CREATE FUNCTION lag() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    SELECT coalesce(sum(h.next_position - l.position), 0)::bigint
    FROM leases l JOIN heads h USING (topic, partition) WHERE l.consumer = consumer_of_session()
$$;

-- Drops what retention and compaction allow to go and every consumer has passed.
CREATE FUNCTION trim_log() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    WITH passed AS (
        SELECT h.topic, h.partition, coalesce(min(l.position), h.next_position) AS position
        FROM heads h LEFT JOIN leases l USING (topic, partition) GROUP BY h.topic, h.partition
    ), gone AS (
        DELETE FROM records r USING topics t, passed p
        WHERE t.topic = r.topic AND p.topic = r.topic AND p.partition = r.partition AND r.position < p.position
          AND (r.appended_at < clock_timestamp() - t.retention
               OR t.compacted AND EXISTS (
                   SELECT FROM records newer WHERE newer.topic = r.topic AND newer.partition = r.partition
                       AND newer.key = r.key AND newer.position > r.position))
        RETURNING 1
    ) SELECT count(*) FROM gone
$$;
