-- What the record with this event id said, so that an id used again for something else is noticed.
ALTER TABLE inbox ADD COLUMN body_hash bigint;
