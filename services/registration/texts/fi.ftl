provider-exists = Palveluntuottaja on jo rekisteröity.
provider-unknown = Palveluntuottajaa ei ole.
other-provider = Palveluntuottaja rekisteröi vain itsensä.
office-unknown = Toimipistettä ei ole.
municipality-unknown =
    { $reason ->
        [dissolved] Kunta on lakkautettu. Käytä sen kunnan koodia, johon se liitettiin: { $merged_into }.
       *[unknown] Kuntakoodia ei ole.
    }
service-unknown = Palvelua ei ole.
service-not-open = Palvelun palvelukuvaus ei ole silloin voimassa. Ensimmäinen palvelukuvaus on voimassa alkaen { $opens_on }.
language-not-offered = Palvelua ei tuoteta tällä palvelukielellä ({ $language }). Palvelukielet: { $offered }.
validity-inverted = Sopimuksen viimeinen päivä { $valid_to } on ennen ensimmäistä päivää { $valid_from }.
contract-exists = Palveluntuottajalla on jo sopimus tästä palvelusta tällä palvelukielellä.
contract-unknown = Sopimusta ei ole.
contract-not-in-force = Sopimus on päättynyt tai ei ole voimassa vuonna { $year }.
count-only-raised = Ilmoitettua asiakasmäärää voi vain nostaa: se on nyt { $current }, joten { $wanted } ei käy.
year-not-open = Asiakasmäärän voi ilmoittaa vuosille { $this_year } ja { $next_year }, ei vuodelle { $year }.
window-closed = Vuoden { $year } asiakasmäärän olisi voinut ilmoittaa viimeistään { $closed_on }.
count-not-announced = Vuodelle { $year } ei ole ilmoitettu asiakasmäärää, jonka voisi korjata.
effective-out-of-range = Korjauksen alkupäivän on oltava { $earliest }–{ $latest }.

gauges-title = Asiakasmäärät
count-announced = ilmoitettu
count-defaulted = edellisen vuoden määrä
column-provider-id = Y-tunnus
column-provider = Palveluntuottaja
column-contract = Sopimus
column-service-code = Palvelun koodi
column-service = Palvelu
column-language = Palvelukieli
column-year = Vuosi
column-announced = Asiakasmäärä
column-state = Mistä asiakasmäärä on
column-decisions-used = Päätöksiä annettu
column-decisions-left = Päätöksiä jäljellä
column-decisions-overdrawn = Päätöksiä yli määrän
column-places-used = Paikkoja kursseilla
column-places-left = Paikkoja jäljellä
column-places-overdrawn = Paikkoja yli määrän

## Rekisteröityminen ja muutospyynnöt

announced-too-late = Yhtiömuodon muutoksesta ilmoitetaan vähintään kolme kuukautta ennen. Aikaisin mahdollinen päivä on { $earliest }, ei { $effective_from }.
change-not-open =
    { $state ->
        [approved] Muutos on jo hyväksytty.
        [rejected] Muutos on jo hylätty.
       *[withdrawn] Muutospyyntö on peruttu.
    }
change-pending = Samasta asiasta on jo muutospyyntö, joka odottaa ratkaisua tai voimaantuloa.
change-unknown = Muutospyyntöä ei ole.
conditions-not-accepted = Rekisteröitymisen voi lähettää, kun rekisteröitymisen ehdot on hyväksytty.
contract-ended = Palveluntuottajan sopimus tästä palvelusta tällä palvelukielellä päättyy { $valid_to }.
date-in-past = Päivä { $day } on jo ohi: tänään on { $today }.
party-named-twice = Luettelon organisaatio numero { $position } on jo mainittu tai on palveluntuottaja itse.
registration-ending = Rekisteröinti päättyy jo { $ends_on }.
registration-exists = Toimipisteellä on jo avoin rekisteröinti tästä palvelusta tällä palvelukielellä.
registration-state =
    { $state ->
        [draft] Tämä ei onnistu, kun rekisteröityminen on luonnos.
        [submitted] Tämä ei onnistu, kun rekisteröityminen on Kelan ratkaistavana.
        [approved] Tämä ei onnistu: rekisteröityminen on hyväksytty, mutta sopimusta ei ole vielä rekisteröity.
        [contract_registered] Tämä ei onnistu: rekisteröinnin sopimus on voimassa.
        [rejected] Tämä ei onnistu: rekisteröityminen on hylätty.
       *[ended] Tämä ei onnistu: rekisteröinti on päättynyt.
    }
registration-unknown = Rekisteröintiä ei ole.
subcontracting-undeclared = Kerro, onko palvelussa alihankintaa: kyllä tai ei.
subcontractors-missing = Ilmoita vähintään yksi alihankkija: nimi, Y-tunnus ja palvelun osa, jonka se tuottaa.
subcontractors-unexpected = Alihankintaa ei ole, mutta alihankkijoita on ilmoitettu { $named }.
subcontractor-known = Alihankkija on jo luettelossa.
subcontractor-unknown = Alihankkijaa ei ole luettelossa.

## Auditoinnit

finding-unknown = Auditointihavaintoa ei ole.
finding-not-in-state =
    Auditointihavainto on { $state ->
        [open] avoin
        [action_reported] Kelan arvioitavana
       *[closed] suljettu
    }, joten tätä ei voi tehdä nyt.
due-date-past = Määräaika { $due_on } on jo mennyt: tänään on { $today }.
service-not-provided = Palveluntuottajalla ei ole sopimusta tästä palvelusta. Palvelut, joista on sopimus: { $provided }.

## Asiakkaan valintaa tukevat tiedot

choice-questions-none = Palvelulla ei ole asiakkaan valintaa tukevia kysymyksiä.
choice-question-unknown = Palvelulla ei ole tällaista kysymystä. Kysymykset: { $known }.
choice-question-not-open =
    { $reason ->
        [later] Kysymys { $question } avautuu { $opens_on }. Avoimet kysymykset: { $open }.
       *[over] Kysymystä { $question } ei enää kysytä. Avoimet kysymykset: { $open }.
    }
choice-option-unknown = Kysymyksellä { $question } ei ole tällaista vaihtoehtoa. Vaihtoehdot: { $allowed }.
choice-answer-kind =
    Kysymykseen { $question } vastataan { $kind ->
        [one_of] yhdellä vaihtoehdolla
        [some_of] yhdellä tai useammalla vaihtoehdolla
       *[number] kokonaisluvulla
    }.
choice-number-out-of-range = Vastaus kysymykseen { $question } on kokonaisluku väliltä { $minimum }–{ $maximum }.

# What the audit says was done.
act-register-provider = Palveluntuottaja rekisteröity
act-register-office = Toimipiste rekisteröity
act-register-contract = Sopimus rekisteröity
act-end-contract = Sopimuksen päättymispäivä muutettu
act-set-contact = Sopimuksen yhteystiedot muutettu
act-set-office-contact = Toimipisteen yhteystiedot muutettu
act-set-responsible = Vastuuhenkilö muutettu
act-set-biller = Laskuttaja muutettu
act-set-choice-information = Valintaa tukevat tiedot muutettu
act-confirm-data = Tietojen ajantasaisuus vahvistettu
act-announce-count = Asiakasmäärä ilmoitettu
act-correct-count = Ilmoitettu asiakasmäärä korjattu
act-draft-registration = Rekisteröityminen aloitettu
act-revise-draft = Rekisteröitymisen luonnosta muutettu
act-submit-registration = Rekisteröityminen lähetetty
act-decide-registration = Rekisteröitymisestä päätetty
act-put-under-contract = Rekisteröityminen liitetty sopimukseen
act-end-registration = Rekisteröityminen päätetty
act-ask-for-change = Muutosta pyydetty
act-end-change-request = Muutospyyntö ratkaistu
act-open-finding = Auditointihavainto kirjattu
act-report-action = Korjaava toimenpide ilmoitettu
act-close-finding = Auditointihavainto suljettu
act-reopen-finding = Auditointihavainto avattu uudelleen
act-apply-change = Muutos tullut voimaan
act-default-count = Asiakasmäärä tullut oletuksena
act-finish-registration = Rekisteröitymisen voimassaolo päättynyt
act-let-change-lapse = Muutospyyntö rauennut
act-move-visiting-address = Käyntiosoite muutettu
act-publish-descriptions = Palvelukuvaus julkaistu
act-recompose-registration = Rekisteröitymisen kokoonpano muutettu
act-remind-of-finding = Auditointihavainnosta muistutettu
act-remind-of-review = Tietojen tarkistamisesta muistutettu
act-read-administration = Sopimuksen hallintatiedot näytetty
