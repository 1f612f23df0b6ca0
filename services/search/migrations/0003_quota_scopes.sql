-- Quotas and estimates of an area or a language beside the national one (E-55).

SET LOCAL lock_timeout = '5s';

ALTER TABLE quotas ADD COLUMN scopes jsonb NOT NULL DEFAULT '[]';
