-- How far this service's projection has got in each partition, kept in the transaction that applies the records.
CREATE TABLE projected_positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_position bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- What was projected before this table was there, came over the embedded bus, which knows how far it got.
DO $$
BEGIN
    IF to_regproc('rekku_bus.positions_of') IS NOT NULL THEN
        INSERT INTO projected_positions SELECT * FROM rekku_bus.positions_of(current_schema());
    END IF;
END
$$;
