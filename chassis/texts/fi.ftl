validation = Osa tiedoista puuttuu tai on väärin.
personal-identity-code = Kohdassa { $field } on jotain, mikä näyttää henkilötunnukselta. Älä koskaan lähetä sitä, vaan käytä päätöstunnistetta.
body-too-large = Pyyntö on suurempi kuin { $allowed_bytes } tavua.
unauthenticated = Kirjaudu ensin sisään.
not-allowed = Roolillasi ei ole oikeutta tähän.
not-found = Tästä osoitteesta ei löydy mitään.
method-not-allowed = Tämä osoite ei ota vastaan tätä pyyntöä.
stale-version = Tiedot ovat muuttuneet sillä välin: nykyinen versio on { $current }.
not-yet-known = Juuri tallentamasi tieto ei ole vielä ehtinyt perille. Yritä hetken kuluttua uudelleen.
idempotency-key-reused = Tätä Idempotency-Key-arvoa on jo käytetty toiseen pyyntöön.
idempotency-key-spent = Tällä Idempotency-Key-arvolla on jo tehty komento, eikä enää voida todeta, oliko se tämä. Tarkista ensin tilanne.
idempotency-key-invalid = Idempotency-Key on 1–128 tulostuvaa merkkiä.
if-match-invalid = If-Match ottaa versioita lainausmerkeissä, esimerkiksi "3", pilkuilla erotettuina, tai merkin *.
rekku-known-invalid = Rekku-Known on muotoa kohde:tunniste@versio, pilkuilla erotettuna, enintään 20 kohdetta.
issuer-unreachable = Tunnistuspalveluun ei juuri nyt saada yhteyttä, joten kirjautumistasi ei voitu tarkistaa. Mitään ei muutettu; yritä hetken kuluttua uudelleen.
unavailable = Palvelu ei pysty juuri nyt vastaamaan. Yritä hetken kuluttua uudelleen.
internal = Jokin meni meillä vikaan. Mitään ei muutettu.
export-too-large = Taulukossa olisi yli { $allowed_rows } riviä. Rajaa esimerkiksi vuoden tai palvelun mukaan.
text-empty = Kirjoita kenttään jotain: siinä ei ole mitään näkyvää.
text-too-short = Teksti on liian lyhyt: siinä on oltava vähintään { $shortest } merkkiä.
text-too-long = Teksti on liian pitkä: siinä saa olla enintään { $longest } merkkiä.
text-bidirectional = Tekstissä on näkymättömiä merkkejä, jotka kääntävät kirjoitussuunnan. Kirjoita teksti uudelleen.
text-overmarked = Yhden kirjaimen päällä on liian monta tarketta. Kirjoita teksti uudelleen.
text-control-character = Tekstissä on merkkejä, jotka eivät ole tekstiä, tai rivinvaihto, joka ei kuulu tähän. Kirjoita teksti uudelleen.
business-id-invalid = Y-tunnus ei kelpaa: siinä on seitsemän numeroa, väliviiva ja tarkistusnumero, esimerkiksi 2828286-3.
business-id-check-digit = Y-tunnuksen tarkistusnumero ei täsmää. Tarkista numerot.
phone-invalid = Puhelinnumero ei kelpaa. Kirjoita vain yksi numero ilman alanumeroa ja ulkomaan numeroon myös maan suuntanumero.
not-mobile = Numeroon ei voi lähettää tekstiviestiä. Anna matkapuhelinnumero.
email-invalid = Sähköpostiosoite ei kelpaa. Tarkista kirjoitusasu.
web-invalid = Verkko-osoite ei kelpaa: se alkaa https:// eikä siinä ole välilyöntejä eikä näkymättömiä merkkejä, esimerkiksi https://www.sydankunto.fi/.
decision-ref-invalid = Päätöstunniste ei kelpaa: siinä on kolmetoista kirjainta ja numeroa. Katso se kuntoutuspäätöksestä.
decision-ref-check-character = Päätöstunnisteessa on kirjoitusvirhe: sen tarkistusmerkki ei täsmää. Katso tunniste kuntoutuspäätöksestä.
iban-invalid = Tilinumero ei ole IBAN-muotoinen. Tarkista sen pituus ja merkit.
iban-check-digits = Tilinumerossa on kirjoitusvirhe: sen tarkistusnumerot eivät täsmää.
reference-number-invalid = Viitenumero ei kelpaa: siinä on 4–20 numeroa, tai se on RF-viite.
reference-number-check-digit = Viitenumerossa on kirjoitusvirhe: sen tarkistusnumero ei täsmää.
municipality-unknown = Kuntaa ei ole. Anna kunnan kolminumeroinen koodi.
age-invalid = Kirjoita ikä numeroina, esimerkiksi 67.
age-not-whole = Kirjoita ikä kokonaisina vuosina, ilman vuoden osia: viimeisimmän syntymäpäivän mukaan.
age-out-of-range = Iän on oltava 0–{ $oldest } vuotta.
malformed-body = { $why ->
    [not_utf_8] Pyynnön sisältö ei ole UTF-8-tekstiä.
    [too_deep] Pyynnön sisällössä on liikaa sisäkkäisiä osia.
    [number_too_long] Pyynnön sisällössä on liian pitkä luku.
    [too_many_fields] Lomakkeella on liikaa kenttiä.
   *[not_json] Pyynnön sisältö ei ole JSON-muotoa.
}
malformed-header = Pyynnön otsake { $field } ei ole luettavissa.
unsupported-media-type = Sisällön tyyppiä tai merkistöä ei oteta vastaan. Lähetä JSON-muodossa UTF-8-merkistöllä.
unknown-parameter = { $nearest ->
    [none] Tämä osoite ei ota vastaan parametreja.
    [unlike] Tämä osoite ei tunne jotakin lähetettyä parametria. Se ottaa vastaan: { $known }.
   *[other] Tämä osoite ei tunne jotakin lähetettyä parametria. Tarkoititko parametria { $nearest }?
}
repeated-parameter = Parametri { $name } lähetettiin useammin kuin kerran. Lähetä se kerran.
refused = Pyyntö hylättiin.

# What the audit says was done.
act-discard-dead-letter = Virhekirje hylätty
act-replay-dead-letter = Virhekirje käsitelty uudelleen
act-retry-set-aside = Sivuun siirretyt viestit lähetetty uudelleen
act-read-dead-letter = Virhekirje näytetty
