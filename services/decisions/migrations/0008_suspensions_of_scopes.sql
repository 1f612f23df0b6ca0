-- Suspensions of an area or a language (E-54, E-55). An older process stops nobody for them: let the first such
-- signal come only when every process is new.

SET LOCAL lock_timeout = '5s';

ALTER TABLE suspensions
    ADD COLUMN area text NOT NULL DEFAULT '' CHECK (area = '' OR area ~ '^[0-9]{2}$'),
    ADD COLUMN language text NOT NULL DEFAULT '' CHECK (language IN ('', 'fi', 'sv'));
COMMENT ON COLUMN suspensions.area IS 'Wellbeing services county; empty: the whole country';
COMMENT ON COLUMN suspensions.language IS 'Empty: every language';

CREATE OR REPLACE FUNCTION deciding_is_stopped(of_service text, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (
        SELECT FROM suspensions s
        WHERE s.service = of_service AND s.effective_at <= at AND (s.lifted_at IS NULL OR s.lifted_at > at)
          AND s.area = '' AND s.language = ''
    );
COMMENT ON FUNCTION deciding_is_stopped(text, timestamptz) IS 'A suspension of the whole service is in effect (E-54)';

CREATE FUNCTION deciding_is_stopped(of_service text, at timestamptz, of_area text, of_language text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (
        SELECT FROM suspensions s
        WHERE s.service = of_service AND s.effective_at <= at AND (s.lifted_at IS NULL OR s.lifted_at > at)
          AND (s.area = '' OR of_area IS NULL OR s.area = of_area)
          AND (s.language = '' OR s.language = of_language)
    );
COMMENT ON FUNCTION deciding_is_stopped(text, timestamptz, text, text) IS
    'A suspension in effect covers a decision; where its area is not known, that of any area does (E-54, E-55)';
