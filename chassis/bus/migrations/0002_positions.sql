-- How far a consumer has got.
CREATE FUNCTION positions_of(wanted text) RETURNS TABLE (topic text, partition integer, next_position bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rekku_bus, pg_temp AS $$
    SELECT topic, partition, position FROM leases WHERE consumer = wanted
$$;
