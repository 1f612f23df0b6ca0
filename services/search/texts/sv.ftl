municipality-unknown = Det finns ingen kommun med detta namn eller nummer. Kontrollera stavningen.
service-unknown = Tjänsten finns inte, eller så är dess servicebeskrivning inte i kraft.
course-unknown = Det finns ingen publicerad kurs med detta identifikationsnummer.
cursor-invalid = Sidans fortsättning kan inte läsas. Börja sökningen från början.
