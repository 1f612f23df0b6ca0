# Sivuston yhteiset tekstit
site-name = Palveluntuottajahaku
site-owner = Kelan kuntoutuskurssit
skip-to-content = Siirry sisältöön
language-choice = Kielivalinta
language-fi = Suomi
language-sv = Svenska
language-en = English
nav-main = Päävalikko
nav-search = Haku
nav-docs = Rajapinnat
nav-sign-in = Kirjaudu
nav-sign-out = Kirjaudu ulos
nav-sessions = Kirjautumiset
nav-provider = Omat kurssit
nav-inbox = Viestit
nav-officer = Kiintiöt
nav-sms = Tekstiviestin malli
nav-statistics = Tilastot
footer-note = Haussa ovat rekisteröitymismenettelyn kuntoutuskurssit. Kurssille haetaan kuntoutuspäätöksellä, jonka tekee Kela.
footer-privacy = Emme tallenna hakuasi emmekä käytä seurantaa.
footer-data = Kuntatiedot: Tilastokeskus, luokitukset 2026 (CC BY 4.0), geofi; kuntakeskukset: Maanmittauslaitos, Maastotietokanta 4/2025 (CC BY 4.0).
development-notice = Kehitysympäristö: tiedot ovat esimerkkejä.
contents-page-title = { $page } – { site-name }

# Haku
search-title = Löydä kuntoutuskurssi
search-lead = Kerro asuinkuntasi, ikäsi ja palvelukielesi. Näet sinulle sopivat kurssit, vapaat paikat ja muiden antaman palautteen.
search-form-label = Hae kursseja
field-municipality = Asuinkunta
field-municipality-hint = Esimerkiksi Kuopio tai Pedersöre
field-age = Ikä
field-age-hint = Vuosina
field-language = Palvelukieli
field-service = Palvelu
field-service-any = Kaikki palvelut
service-language-fi = Suomi
service-language-sv = Ruotsi
optional = ei pakollinen
search-button = Hae
errors-title = { $count ->
    [one] Tarkista yksi kohta
   *[other] Tarkista { $count } kohtaa
}
error-municipality-missing = Kirjoita asuinkuntasi nimi.
error-municipality-unknown = Tämän nimistä kuntaa ei löytynyt. Tarkista kirjoitusasu.
error-municipality-several = Nimi sopii useaan kuntaan. Valitse niistä yksi.
error-age-missing = Kirjoita ikäsi vuosina.
error-age-not-a-number = Kirjoita ikä numeroina, esimerkiksi 67.
error-age-not-whole = Kirjoita ikä kokonaisina vuosina, esimerkiksi 68 eikä 68,5.
error-age-out-of-range = Iän on oltava 0–120 vuotta.
error-language-unknown = Valitse palvelukieleksi suomi tai ruotsi.
error-service-unknown = Valitse palvelu luettelosta.
did-you-mean = Tarkoititko:

how-title = Näin pääset kurssille
how-search-title = Vertaa kursseja
how-search = Katso ajat, paikat, toteutustapa ja palaute. Voit ottaa yhteyttä suoraan palveluntuottajaan.
how-apply-title = Hae kuntoutusta Kelasta
how-apply = Kela tekee kuntoutuspäätöksen. Kerro hakemuksessa, minkä palveluntuottajan kurssille haluat.
how-place-title = Saat paikan kurssilta
how-place = Palveluntuottaja varaa sinulle paikan ja sopii kanssasi ajoista.

results-title = Hakutulokset
results-for = { $municipality }, { $age } vuotta, palvelukieli { $language ->
    [sv] ruotsi
   *[fi] suomi
}
results-offices = { $count ->
    [one] 1 toimipiste
   *[other] { $count } toimipistettä
}
results-courses = { $count ->
    [one] 1 kurssi
   *[other] { $count } kurssia
}
results-free = { $count ->
    [one] 1 vapaa paikka
   *[other] { $count } vapaata paikkaa
}
results-order = Lähin toimipiste on ensin.
results-none-title = Hakuasi vastaavia kursseja ei löytynyt
results-none = Kokeile toista palvelukieltä tai hae kaikista palveluista. Uusia kursseja julkaistaan ympäri vuoden.
results-change = Muuta hakua
results-more = Näytä lisää toimipisteitä
national-note = Kurssit ovat valtakunnallisia: voit valita kurssin mistä päin Suomea tahansa.

distance = noin { $km } km
distance-here = kotikunnassasi
distance-near = alle 1 km
contact-title = Yhteystiedot
contact-phone = Puhelin
contact-email = Sähköposti
contact-web = Verkkosivut
contact-address = Käyntiosoite
contact-none = Palveluntuottaja ei ole vielä ilmoittanut yhteystietojaan.
feedback-title = Asiakaspalaute
feedback-average = { $average } / 5
feedback-explained = Viisi on paras. { $answers ->
    [one] 1 vastaus
   *[other] { $answers } vastausta
}.
feedback-too-few = Palautetta on vielä liian vähän näytettäväksi.
feedback-too-few-explained = Keskiarvo näytetään, kun vastauksia on vähintään viisi.
choices-title = Tietoa valinnan tueksi

courses-none = Ei julkaistuja kursseja juuri nyt.
course-number = Kurssi { $number }
course-confirmed = Vahvistettu
course-not-confirmed = Vahvistamatta
course-running = Käynnissä
course-completed = Päättynyt
course-confirmed-explained = Kurssi toteutuu varmasti.
course-not-confirmed-explained = Kurssi vahvistetaan, kun osallistujia on tarpeeksi.
course-places-label = { $size } paikkaa, joista { $free } vapaana
course-places = { $free ->
    [0] Ei vapaita paikkoja
    [one] 1 vapaa paikka
   *[other] { $free } vapaata paikkaa
}
course-places-of = / { $size }
course-all-ages = Kaikki ikäryhmät
course-language = Palvelukieli
course-group-size = Ryhmän koko
course-target-groups = Kohderyhmä
course-age-group = Ikäryhmä
course-periods = Jaksot
course-service = Palvelu
course-page-title = Kurssi { $number }
course-unknown-title = Kurssia ei löytynyt
course-unknown = Tätä kurssia ei ole haussa. Se on voitu poistaa tai numero on kirjoitettu väärin.
course-back = Takaisin hakuun
period-number = { $number }. jakso
period-dates = Ajankohta
period-mode = Toteutustapa
mode-face_to_face = Kasvokkain
mode-online = Verkossa
mode-remote = Etänä
kind-opening = Aloitusjakso
kind-middle = Välijakso
kind-closing = Päätösjakso
age-from-to = { $from }–{ $to }-vuotiaat
age-from = { $from } vuotta täyttäneet
age-to = enintään { $to }-vuotiaat

quotas-title = Arviot ja kiintiöt
quotas-explained = Kela julkaisee arvion uusien asiakkaiden määrästä. Arvio voi ylittyä. Kiintiön täytyttyä Kela ei tee uusia päätöksiä.
quota-full = Kiintiö on täynnä: { $service } { $year }. Uusia päätöksiä tehdään, kun kiintiössä on taas tilaa.
quota-suspended = Uusien päätösten tekeminen on keskeytetty: { $service } { $year }.
quota-limit = Kiintiö: { $service } { $year }, enintään { $limit } uutta asiakasta.
quota-estimate = Kelan arvio uusista asiakkaista: { $service } { $year }, { $estimate }.

# Kysely
survey-title = Palaute kuntoutuskurssista
survey-lead = Vastaa väittämiin oman kokemuksesi mukaan. Vastaat nimettömästi, ja siihen menee noin viisi minuuttia.
survey-anonymous = Vastausta ei voi yhdistää sinuun. Emme kysy nimeä, henkilötunnusta emmekä pankkitunnuksia.
survey-own = Väittämien sanamuoto on tämän palvelun oma.
survey-scale = Valitse jokaisesta väittämästä yksi vaihtoehto. 1 = täysin samaa mieltä, 5 = täysin eri mieltä.
survey-scale-1 = Täysin samaa mieltä
survey-scale-2 = Jokseenkin samaa mieltä
survey-scale-3 = Ei samaa eikä eri mieltä
survey-scale-4 = Jokseenkin eri mieltä
survey-scale-5 = Täysin eri mieltä
survey-statement = Väittämä { $number } / { $total }
survey-send = Lähetä vastaukset
survey-thanks-title = Kiitos vastauksestasi
survey-thanks = Vastauksesi on tallennettu. Näytämme haussa toimipisteen keskiarvon, kun vastauksia on vähintään viisi.
survey-closed-title = Kyselyyn ei voi enää vastata
survey-closed = Kyselyyn on jo vastattu, tai vastausaika on päättynyt. Kiitos kiinnostuksestasi.
survey-unknown-title = Kyselyä ei löytynyt
survey-unknown = Linkki on puutteellinen tai vanhentunut. Tarkista, että osoite on kokonaan sama kuin tekstiviestissä.
survey-at-least = Vastaa vähintään { $needed } väittämään. Olet vastannut { $given } väittämään.

# Tekstiviestin malli
sms-title = Tältä Kelan tekstiviesti näyttää
sms-lead = Lähetämme kuntoutuskurssin asiakkaalle enintään kaksi palautekyselyä. Viestin voi tunnistaa näistä:
sms-sign-sender = Lähettäjä on Kela.
sms-sign-data = Viestissä ei ole nimeä eikä muita henkilötietoja.
sms-sign-bank = Viestissä ei koskaan pyydetä pankkitunnuksia.
sms-sign-fixed = Teksti on aina sama kuin tällä sivulla.
sms-own = Viestin sanamuoto on tämän palvelun oma.
sms-from = Kela
sms-feedback = { $language ->
    [sv] Palautekysely, ruotsiksi
   *[fi] Palautekysely, suomeksi
}
sms-course-confirmed = { $language ->
    [sv] Kurssi vahvistettu, ruotsiksi
   *[fi] Kurssi vahvistettu, suomeksi
}
sms-place-released = { $language ->
    [sv] Paikka vapautui, ruotsiksi
   *[fi] Paikka vapautui, suomeksi
}
sms-course-not-held = { $language ->
    [sv] Kurssia ei järjestetä, ruotsiksi
   *[fi] Kurssia ei järjestetä, suomeksi
}
sms-place-moved = { $language ->
    [sv] Kurssipaikka siirretty, ruotsiksi
   *[fi] Kurssipaikka siirretty, suomeksi
}
sms-application-waits = { $language ->
    [sv] Hakemus odottaa, ruotsiksi
   *[fi] Hakemus odottaa, suomeksi
}
sms-none = Viestimalleja ei ole juuri nyt saatavilla.

# Kirjautuminen
sign-in-title = Kehityskirjautuminen
sign-in-lead = Tämä kirjautuminen on vain kehitys- ja testikäyttöön. Tuotannossa kirjaudutaan tunnistuspalvelulla.
sign-in-role = Rooli
role-provider = Palveluntuottaja
role-officer = Kelan ratkaisuasiantuntija
role-system = Kelan järjestelmä
sign-in-provider-id = Y-tunnus
sign-in-provider-id-hint = Vain palveluntuottajalle, esimerkiksi 2828286-3
sign-in-button = Kirjaudu
signed-in-as = Kirjautuneena: { $role } { $provider }
error-role-unknown = Valitse rooli.
error-provider-id = Kirjoita palveluntuottajan Y-tunnus muodossa 2828286-3.
error-provider-id-check-digit = Y-tunnuksen tarkistusnumero ei täsmää. Tarkista numerot.
sign-in-needed-title = Kirjaudu ensin
sign-in-needed = Sivu on tarkoitettu kirjautuneille käyttäjille.
sign-in-ended = Kirjautumisesi on päättynyt. Kirjautuminen päättyy, kun edellisestä käytöstä on kulunut { $idle }, viimeistään kun alusta on kulunut { $whole }, ja silloin kun se lopetetaan toisessa selaimessa. Jos lähetit juuri lomakkeen, siitä ei tallennettu mitään. Kirjaudu, niin palaat samaan paikkaan.
sign-in-other-role = Tämä kuuluu muuhun rooliin kuin siihen, jossa olet kirjautuneena. Mitään ei tallennettu.
sign-in-form-kept = Kirjoittamasi on tallessa tällä sivulla. Kun olet kirjautunut, näet sen uudelleen ja voit lähettää sen.
sign-in-off-title = Kirjautuminen ei ole käytössä
sign-in-off = Kehityskirjautuminen on pois päältä tässä ympäristössä.
kept-form-title = Tarkista lomake ja lähetä se uudelleen
kept-form-lead = Lomaketta ei ole vielä lähetetty: sen sivu kuului kirjautumiseen, joka on päättynyt.
kept-form-decision_ref = Päätös
kept-form-reason = Perustelu
kept-form-button = Lähetä
kept-form-leave = Takaisin sivulle lähettämättä
sessions-title = Missä olet kirjautuneena
sessions-end = Kirjautuminen päättyy, kun edellisestä käytöstä on kulunut { $idle }, ja viimeistään kun alusta on kulunut { $whole }.
sessions-this = Tämä selain
sessions-other-browser = Muu selain
sessions-other-system = muu järjestelmä
sessions-times = Kirjautunut { $since }. Käytetty viimeksi { $used }.
sessions-others = Kirjaudu ulos kaikkialta muualta
sessions-done-one = Sinut on kirjattu siellä ulos.
sessions-done-others = Sinut on kirjattu ulos kaikkialta muualta.
sessions-gone = Kirjautuminen on jo päättynyt.

# Palveluntuottaja
provider-title = Omat kurssit
provider-none = Sinulla ei ole vielä kursseja.
provider-new-clients = Kiinnitettävät asiakkaat
provider-no-clients = Ei kiinnitettäviä asiakkaita.
provider-course = Kurssi { $number }
provider-state = Tila
provider-publish = Julkaise
provider-publish-warning = Julkaisua ei voi perua. Tarkista tiedot ennen julkaisua.
provider-confirm = Vahvista kurssi
provider-confirm-explained = Vahvistamalla sitoudut toteuttamaan kurssin ilmoitettuina aikoina.
provider-confirm-not-yet = Kurssin voi vahvistaa, kun asiakkaita on kiinnitetty vähintään { $needed }.
provider-pin = Kiinnitä
provider-pin-label = Päätös
provider-pin-button = Kiinnitä asiakas
provider-unpin = Poista kurssilta
provider-unpin-reason = Miksi asiakas lähtee? Kurssi on pitänyt toteuttaa, ja syy ilmoitetaan Kelaan.
provider-pins = Kiinnitetyt asiakkaat
provider-no-pins = Kurssille ei ole kiinnitetty asiakkaita.
provider-confirm-by = Vahvistetulla kurssilla viimeistään
provider-pinnable = Voi kiinnittää
provider-back = Takaisin kursseihin
provider-done-published = Kurssi on julkaistu ja näkyy haussa.
provider-done-confirmed = Kurssi on vahvistettu.
provider-done-pinned = Asiakas on kiinnitetty kurssille.
provider-done-unpinned = Asiakas on poistettu kurssilta.
provider-refused-title = Toiminto ei onnistunut
inbox-title = Viestit
inbox-none = Ei viestejä.
state-created = Luotu
state-published = Julkaistu
state-confirmed = Vahvistettu
state-running = Käynnissä
state-completed = Päättynyt
state-deleted = Poistettu
state-cancelled = Peruttu
reason-revoked = Päätös on lakkautettu.
reason-annulled = Päätös on kumottu.
reason-expired = Päätöksen voimassaolo on päättynyt.
reason-used = Kurssi on jo käyty.
reason-pinned_here = Kiinnitetty tälle kurssille.
reason-pinned_on_own_course = Kiinnitetty kurssillesi.
reason-other_service = Päätös koskee toista palvelua.
reason-unknown = Ei kiinnitettävissä juuri nyt.

# Kela
officer-title = Arviot ja kiintiöt
officer-lead = Vuosi { $year }
officer-none = Tälle vuodelle ei ole arvioita eikä kiintiöitä.
officer-service = Palvelu
officer-estimate = Arvio
officer-limit = Kiintiö
officer-used = Uusia asiakkaita
officer-remaining = Jäljellä
officer-state = Tila
officer-no-quota = ei kiintiötä
officer-open = Päätöksiä tehdään
officer-full = Kiintiö täynnä
officer-suspended = Keskeytetty

# Rajapinnat
docs-title = Rajapinnat
docs-lead = Jokaisella palvelulla on oma rajapintansa. Kutsut tehdään tämän osoitteen kautta: /api/palvelu/…
docs-raw = OpenAPI-asiakirja (JSON)
docs-unreachable = Palvelu ei vastaa juuri nyt.
docs-operations = Toiminnot
docs-schemas = Tietorakenteet
docs-parameters = Parametrit
docs-body = Pyynnön sisältö
docs-answers = Vastaukset
docs-name = Nimi
docs-in = Paikka
docs-type = Tyyppi
docs-required = Pakollinen
docs-description = Kuvaus
docs-refusals = Hylkäyskoodit
docs-yes = kyllä
docs-no = ei
docs-fields = Kentät
docs-back = Kaikki rajapinnat
docs-contents = Sisällys
docs-version = Versio { $version }

# Tapahtumat
events-title = Tapahtumat
events-lead = Mitä järjestelmä kertoo Kelan muille järjestelmille Kafkan kautta.
events-raw = AsyncAPI-asiakirja (JSON)
events-promises = Mitä luvataan
events-promise-delivery = Jokainen tapahtuma toimitetaan vähintään kerran. Muista käsiteltyjen tapahtumien ce_id, niin toisto ei haittaa.
events-promise-order = Saman avaimen tapahtumat tulevat järjestyksessä. Eri avainten kesken järjestystä ei ole.
events-promise-state = Tilatapahtuma kertoo kohteensa koko julkisen tilan ja version. Uusin versio voittaa.
events-promise-fact = Tosiasia, esimerkiksi maksu, lasketaan kerran.
events-promise-additions = Uusia kenttiä ja tyyppejä voi tulla. Ohita ne, joita et tunne. Muu muutos on uusi tyyppi (.v2), joka kulkee vanhan rinnalla.
events-promise-access = Pääsyn aiheisiin antaa järjestelmän ylläpito. Jokaisella lukijalla on oma tunnus.
events-topics = Aiheet
events-not-for-subscribers = Ei muiden järjestelmien luettavaksi.
events-owner = Kirjoittaja
events-owner-external = Kelan muut järjestelmät
events-readers = Lukijat järjestelmässä
events-key = Avain
events-order = Järjestys
events-order-by-key = { $partitions ->
    [one] Avaimen sisällä, 1 osio
   *[other] Avaimen sisällä, { $partitions } osiota
  }
events-retention = Säilytys
events-retention-for-ever = Kaikki säilytetään
events-retention-newest = Avaimen uusin säilytetään; tyhjä arvo poistaa
events-retention-days = { $days ->
    [one] 1 päivä
   *[other] { $days } päivää
  }
events-personal-data = Henkilötiedot
events-data-none = Ei henkilötietoja
events-data-organisation_contact = Organisaation julkisia yhteystietoja
events-data-pseudonym = Viitteitä ilman nimiä (pseudonyymejä)
events-data-restricted = Rajoitettu
events-legal-basis = Peruste
events-kind-state = tila
events-kind-fact = tosiasia
events-value = Arvo
events-example = Esimerkki

# Virheet
problem-title = Jokin meni vikaan
problem-not-found-title = Sivua ei löytynyt
problem-not-found = Osoite on ehkä kirjoitettu väärin, tai sivu on poistettu.
problem-unavailable-title = Palvelu ei juuri nyt vastaa
problem-unavailable = Yritä hetken kuluttua uudelleen. Mitään ei ole tallennettu.
problem-too-many-title = Liian monta pyyntöä
problem-too-many = Odota hetki ja yritä uudelleen.
problem-csrf-title = Lomake on vanhentunut
problem-csrf = Mitään ei tallennettu. Lataa sivu uudelleen ja lähetä lomake uudestaan.
problem-identity-title = Älä kirjoita henkilötunnusta
problem-identity = Tässä palvelussa ei käsitellä henkilötunnuksia. Mitään ei tallennettu. Poista henkilötunnus ja yritä uudelleen.
problem-in-field = Katso kohtaa: { $field }.
problem-field-municipality = asuinkunta
problem-field-age = ikä
problem-field-reason = perustelu
problem-field-decision_ref = päätöstunniste
problem-field-provider_id = Y-tunnus
problem-too-large-title = Lähetys on liian suuri
problem-too-large = Mitään ei tallennettu. Lähetä vähemmän tietoa kerralla.
problem-forbidden-title = Ei oikeutta
problem-forbidden = Sinulla ei ole oikeutta tähän sivuun.
problem-home = Etusivulle

# Rajapinnan hylkäykset
unknown-service = Palvelua ei ole.
unknown-path = Osoitetta ei ole.
upstream-unavailable = Palvelu ei vastaa juuri nyt. Yritä hetken kuluttua uudelleen.
csrf-refused = Pyynnöstä puuttuu istunnon lomaketunniste.
too-many-requests = Liian monta pyyntöä. Odota hetki ja yritä uudelleen.

statistics-title = Tilastot
statistics-quotas = Arviot ja asiakaskiintiöt { $year }
statistics-of-estimate = Osuus arviosta
statistics-of-quota = Osuus kiintiöstä
statistics-too-few = alle 5
statistics-chart-and-files = Kuvio ja tiedostot
statistics-internal = Tilastot Kelan käyttöön
statistics-contracts = Sopimukset palveluittain
statistics-new-clients = Uudet asiakkaat ja ennuste
statistics-decisions = Kuntoutuspäätökset kuukausittain
statistics-half-years = Henkilöt, joille on kustannettu kurssia, ja kustannukset
statistics-ages = Ikäjakauma
statistics-group-sizes = Ryhmien koot ja kurssin vaihdot
statistics-reported = Aiemmin ilmoitetut luvut
statistics-reported-note = Luvut ovat niin kuin lähde ne kertoo. Niitä ei ole laskettu toisistaan eikä tämän järjestelmän tiedoista.
statistics-chart-of = Kuvio: { $table }. Samat luvut ovat taulukossa.
statistics-source = Lähde: { $source }.
