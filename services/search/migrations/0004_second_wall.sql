-- The read model is public: everybody's requests read it, and none of them writes (record 0033).

SET LOCAL lock_timeout = '5s';

GRANT SELECT ON
    providers, offices, contracts, offerings, services, service_descriptions, courses, feedback_averages, quotas,
    choice_information
TO rekku_search_provider;
