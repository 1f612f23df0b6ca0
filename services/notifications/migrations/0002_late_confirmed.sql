-- Whether a course was confirmed after its start: who comes to it later is not told that it will take place (E-40).

SET LOCAL lock_timeout = '5s';

ALTER TABLE courses ADD COLUMN late_confirmed boolean NOT NULL DEFAULT false;
