-- Sessions are the gateway's alone: no request reaches them in a provider's role (record 0033).

SET LOCAL lock_timeout = '5s';

SELECT rekku_wall('sessions');
