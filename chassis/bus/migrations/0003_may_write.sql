-- Which topic is at fault where an append was refused.
CREATE FUNCTION may_write(wanted text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rekku_bus, pg_temp
    RETURN EXISTS (SELECT FROM rights WHERE role = session_user AND topic = wanted AND may_write);
