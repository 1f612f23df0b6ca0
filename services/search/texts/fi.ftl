municipality-unknown = Tämän nimistä tai numeroista kuntaa ei ole. Tarkista kirjoitusasu.
service-unknown = Tätä palvelua ei ole, tai sen palvelukuvaus ei ole voimassa.
course-unknown = Tällä tunnistenumerolla ei ole julkaistua kurssia.
cursor-invalid = Sivun jatkokohtaa ei voi lukea. Aloita haku alusta.
