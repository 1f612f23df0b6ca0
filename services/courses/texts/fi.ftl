course-unknown = Kurssia ei löydy.
course-gone = Kurssi { $course_number } on päättynyt, poistettu tai peruttu.
course-started = Kurssin ensimmäinen päivä { $first_day } on jo alkanut.
not-published = Kurssi { $course_number } on julkaistava ensin.
already-published = Kurssi { $course_number } on jo julkaistu.
already-confirmed = Kurssi { $course_number } on jo vahvistettu.
confirm-too-few = Kurssin voi vahvistaa, kun asiakkaita on kiinnitetty vähintään { $needed }. Nyt kiinnitettyjä on { $pinned }.
course-full = { $offer ->
    [grow_group] Kurssi on täynnä: { $group_size } paikkaa on varattu. Voitte kasvattaa ryhmän kokoon { $may_grow_to }.
   *[none] Kurssi on täynnä: { $group_size } paikkaa on varattu.
}
decision-unknown = Päätöstunnisteella ei löydy teille annettua päätöstä.
decision-revoked = Päätös on lakkautettu, joten asiakasta ei voi kiinnittää.
decision-not-granted = Päätös ei ole voimassa oleva myöntö.
other-provider = Päätös on annettu toiselle palveluntuottajalle.
other-service = Päätös koskee toista palvelua ({ $decision_service }); kurssin palvelu on { $course_service }.
already-pinned = Asiakas on jo kiinnitetty kurssillenne { $course_number }.
not-pinned = Asiakasta ei ole kiinnitetty tälle kurssille.
contract-unknown = Sopimusta ei löydy.
contract-not-valid = { $valid_to ->
    [None] Sopimus on voimassa { $valid_from } alkaen.
   *[other] Sopimus on voimassa { $valid_from } – { $valid_to }.
}
office-unknown = Toimipistettä ei löydy.
office-closed = Toimipiste on suljettu.
office-of-other-provider = Toimipiste kuuluu toiselle palveluntuottajalle kuin sopimus.
not-a-course-service = Tässä palvelussa ei ole kursseja.
no-description-in-force = Palvelulla ei ole voimassa olevaa palvelukuvausta.
group-size-out-of-range = { $group_max ->
    [None] Ryhmäkoon on oltava vähintään { $group_min }.
   *[other] Ryhmäkoon on oltava { $group_min }–{ $group_max }.
}
target-group-unknown = Sairauskohderyhmä ei ole palvelukuvauksessa. Palvelukuvauksen ryhmät: { $known }.
target-groups-count = Valitse { $least }–{ $most } eri sairauskohderyhmää. Valittuja on { $chosen }.
age-group-required = Palvelukuvaus edellyttää, että kurssille valitaan ikäryhmä: { $known }.
age-group-unknown = Ikäryhmä ei ole palvelukuvauksessa. Palvelukuvauksen ryhmät: { $known }.
periods-in-past = Kurssi ei voi alkaa menneenä päivänä { $first_day }.
period-backwards = Jakson { $number } viimeinen päivä on ennen ensimmäistä.
periods-overlap = Jakso { $number } alkaa ennen kuin edellinen päättyy.
period-plan-mismatch = Palvelukuvauksessa on { $planned } jaksoa, annettuja on { $given }.
period-length = Jakson { $number } pituus on palvelukuvauksen mukaan { $planned } päivää, annettu { $given }.
period-mode-planned = Jakson { $number } toteutusmuoto on määrätty palvelukuvauksessa: { $mode }.
period-mode-required = Jaksolle { $number } on valittava toteutusmuoto.
total-duration-exceeded = Kurssin kokonaiskesto on enintään { $months } kuukautta: viimeinen päivä voi olla { $latest }, annettu { $last_day }.
place-ledger-full = Vuoden { $year } ilmoitettu asiakasmäärä on { $announced }. Kursseilla on jo { $reserved } asiakaspaikkaa ja vapaana { $free }, joten { $requested } ei mahdu. Voitte korottaa ilmoitettua asiakasmäärää.
cursor-invalid = Sivun osoite ei kelpaa. Aloita luettelon alusta.
not-confirmed = Kurssia { $course_number } ei ole vahvistettu: Kela peruu vain vahvistettuja ja käynnissä olevia kursseja.
confirmed = Kurssi { $course_number } on vahvistettu, joten se on järjestettävä. Vain Kela voi perua sen.
must-run = Kurssille on kiinnitetty { $pinned } asiakasta. Kun heitä on vähintään { $must_run_at }, kurssi on aina järjestettävä. Jos se ei ole mahdollista, ottakaa yhteyttä Kelaan.
transfers-missing = Kurssille on kiinnitetty { $pinned } asiakasta. Kertokaa jokaisesta, mille kurssille hän siirtyy; suunniteltuja siirtoja on { $planned }.
reason-required = Kertokaa syy: asiasta ilmoitetaan Kelaan.
course-not-started = Kurssi alkaa { $first_day }. Tämän voi ilmoittaa vasta sen jälkeen.
late-confirm-too-few = Kurssin alkaessa kiinnitettyjä asiakkaita oli { $pinned_at_start }, tarvitaan { $needed }. Pyytäkää Kelaa vahvistamaan kurssi.
not-ended = Kurssia ei ole poistettu eikä peruttu.
draft-unknown = Keskeneräistä kurssia ei löydy.
draft-gone = Keskeneräinen kurssi on jo täydennetty tai poistettu.
draft-exists = Tämä keskeneräinen kurssi on jo tuotu.
draft-too-new = Keskeneräisiä kursseja ei ole voinut tallentaa { $cut_over } alkaen. Tämä on tallennettu { $saved_on }.
shrink-after-confirmation = Vahvistetun kurssin ryhmää voi vain kasvattaa. Sen koko on { $group_size }.
shrink-below-pinned = Kurssille on kiinnitetty { $pinned } asiakasta, joten ryhmäkoko ei voi olla { $requested }.
target-group-frozen = Kurssi { $course_number } on vahvistettu { $confirmed_on }, joten kohderyhmää ei voi enää muuttaa.
period-frozen = Näitä jaksoja ei voi enää siirtää: { $periods }. Kurssi on sitoutunut niihin tai ne ovat alkaneet.
consent-missing = { $change ->
    [dates] Nämä kiinnitetyt asiakkaat eivät ole suostuneet uusiin päiviin: { $decision_refs }.
   *[course] Sovi vaihdosta ensin asiakkaan kanssa ja kerro, milloin ja miten siitä sovittiin.
}
consent-in-future = Asiakkaan suostumus ei voi olla päivältä { $given_on }: tänään on { $today }.
guardian-needed = Perhekurssilla suostumuksen antaa huoltaja. Kirjaa huoltajan suostumus.
deadline-breaks = Kurssi alkaisi { $first_day }, vasta sen päivän jälkeen, johon mennessä näiden asiakkaiden on oltava vahvistetulla kurssilla: { $decision_refs }.
mixed-age-not-last = Vuoden { $year } ilmoitetussa asiakasmäärässä on vielä { $free } paikkaa, mikä riittää uuteen kurssiin ({ $group_min }). Vain vuoden viimeisen kurssin voi kohdistaa kaikenikäisille.
no-age-group = Kurssia { $course_number } ei ole kohdistettu yhdelle ikäryhmälle.
not-mixed-age = Kurssia { $course_number } ei ole kohdistettu kaikenikäisille.
age-notice-missing = Näille asiakkaille on ensin kerrottava, että kurssi on kaikenikäisille ja että palveluntuottajaa voi vaihtaa: { $decision_refs }.

# Clients between courses
course-not-begun = Kurssi { $course_number } ei ole alkanut: se alkaa { $first_day }. Poista asiakas kurssilta.
must-run-reason-required = Kurssi { $course_number } on pitänyt toteuttaa { $must_run_since } alkaen. Kerro, miksi asiakas lähtee siltä; syy ilmoitetaan Kelaan.
nothing-attended = Asiakas ei ole osallistunut yhteenkään kurssin jaksoon, joten mikään niistä ei voi olla viimeinen.
nothing-remains = Asiakas on jo osallistunut kaikkiin jaksoihin.
participation-not-noted = Merkitse ensin, osallistuiko asiakas näihin kurssin { $course_number } jaksoihin: { $periods }.
path-too-long = Asiakkaan koko kuntoutus saa kestää { $months } kuukautta ensimmäisestä osallistumispäivästä { $first_day } eli enintään { $latest } asti. Tällä kurssilla se kestäisi { $last_day } asti.
paths-too-long = Koko kuntoutus saa kestää { $months } kuukautta ensimmäisestä osallistumispäivästä. Näillä päivillä se kestäisi { $last_day } asti asiakkailla, jotka ovat aloittaneet toisella kurssilla: { $decision_refs }. Viimeiset mahdolliset päivät heille: { $latest }.
period-not-begun = Jakso { $number } ei alkanut asiakkaan ollessa kurssilla.
period-not-planned = Jaksoa ei ole suunniteltu asiakkaalle. Asiakkaan jaksot ovat: { $planned }.
period-noted-twice = Asiakas joko osallistui jaksoon tai ei, ei molempia: { $periods }.
periods-do-not-match = Asiakas on osallistunut jaksoihin kurssilla, jossa on { $periods_before } jaksoa. Tämän kurssin jaksot on jaettu toisin; niitä on { $periods_there }.
periods-not-after = Jakso { $number } alkaa { $first_day }, mutta asiakas on toisella kurssilla { $attended_until } asti.
periods-passed = Nämä asiakkaan tarvitsemat kurssin { $course_number } jaksot ovat jo ohi: { $periods }.
same-course = Asiakas siirretään toiselle kurssille.
target-group-mismatch = Kurssi ei ole tarkoitettu asiakkaan sairausryhmälle. Se on tarkoitettu ryhmille: { $allowed }.
age-mismatch = { $max_age ->
    [None] Kurssi on tarkoitettu asiakkaille, jotka ovat vähintään { $min_age }-vuotiaita { $on }.
   *[other] { $min_age ->
        [None] Kurssi on tarkoitettu asiakkaille, jotka ovat enintään { $max_age }-vuotiaita { $on }.
       *[other] Kurssi on tarkoitettu asiakkaille, jotka ovat { $min_age }–{ $max_age }-vuotiaita { $on }.
    }
}

# Kurssit ja paikat taulukkona
courses-title = Kurssit
pins-title = Kiinnitykset
yes = kyllä
no = ei
every-age = kaikenikäiset
every-period = kaikki
column-provider-id = Y-tunnus
column-contract = Sopimus
column-office = Toimipiste
column-course-number = Kurssin numero
column-course-id = Kurssin tunniste
column-service-code = Palvelun koodi
column-service = Palvelu
column-language = Palvelukieli
column-state = Tila
column-stale = Alkanut vahvistamatta
column-year = Vuosi
column-first-day = Ensimmäinen päivä
column-last-day = Viimeinen päivä
column-target-groups = Kohderyhmät
column-age-group = Ikäryhmä
column-group-size = Ryhmän koko
column-pinned = Kiinnitettyjä
column-occupied = Paikkoja varattu
column-free-places = Paikkoja vapaana
column-must-run = On toteutettava
column-must-run-since = Toteutettava alkaen
column-confirm-by = Vahvistettava viimeistään
column-confirmed-on = Vahvistettu
column-late-confirmed = Vahvistettu jälkikäteen
column-decision = Päätöksen tunniste
column-reason = Syy
column-pinned-on = Kiinnitetty
column-ended-on = Päättynyt
column-occupies-place = Vie paikan
column-periods-planned = Suunnitellut jaksot
column-periods-attended = Jaksot, joille osallistui
column-periods-missed = Jaksot, joilta puuttui
column-moved-from = Siirretty kurssilta
column-moved-to = Siirretty kurssille
course-state-created = luotu
course-state-published = julkaistu
course-state-confirmed = vahvistettu
course-state-running = käynnissä
course-state-completed = toteutunut
course-state-deleted = poistettu
course-state-cancelled = peruttu
pin-state-active = voimassa
pin-state-released = poistettu
pin-state-moved = siirretty
pin-state-fulfilled = toteutunut
pin-state-interrupted = keskeytynyt
pin-reason-provider = palveluntuottaja poisti
pin-reason-decision-revoked = päätös lakkautettiin
pin-reason-decision-annulled = päätös kumottiin
pin-reason-provider-changed = palveluntuottaja vaihtui
pin-reason-course-deleted = kurssi poistettiin
pin-reason-course-cancelled = kurssi peruttiin
pin-reason-did-not-happen = kurssi ei toteutunut

# What the audit says was done.
act-create-course = Kurssi luotu
act-publish-course = Kurssi julkaistu
act-confirm-course = Kurssi vahvistettu
act-confirm-retroactively = Kurssi vahvistettu jälkikäteen
act-resize-course = Ryhmäkoko muutettu
act-retarget-course = Kohderyhmät muutettu
act-reschedule-course = Kurssin ajankohta siirretty
act-mix-ages = Kurssi avattu kaikenikäisille
act-acknowledge-mixed-ages = Asiakkaan tieto eri-ikäisten kurssista kirjattu
act-set-contact = Yhteystiedot muutettu
act-link-contact = Kurssille palautettu sopimuksen yhteystiedot
act-end-course = Kurssi peruttu tai poistettu
act-report-unconfirmable = Kelalle ilmoitettu, ettei kurssia voi vahvistaa
act-pin-client = Asiakas kiinnitetty kurssille
act-unpin-client = Asiakkaan kiinnitys purettu
act-move-client = Asiakas siirretty toiselle kurssille
act-note-participation = Osallistuminen kirjattu
act-interrupt-rehabilitation = Kuntoutus keskeytetty
act-report-cannot-place = Kelalle ilmoitettu, ettei asiakkaalle löydy kurssia
act-import-draft = Keskeneräinen kurssi tuotu vanhasta järjestelmästä
act-complete-draft = Keskeneräinen kurssi viimeistelty
act-delete-draft = Keskeneräinen kurssi poistettu
act-begin-course = Kurssi alkanut
act-complete-course = Kurssi päättynyt
act-fulfil-pin = Asiakkaan kurssi toteutunut
act-release-client = Asiakas vapautettu kurssilta
act-read-age-notices = Ikäilmoitukset näytetty
act-read-history-of-course = Kurssin historia näytetty
act-read-history-of-decision = Päätöksen kurssihistoria näytetty
act-read-pinnable-clients = Kiinnitettävät asiakkaat näytetty
act-read-pins = Kiinnitykset näytetty
act-read-pins-of-decision = Päätöksen kiinnitykset näytetty
act-read-reports = Ilmoitukset Kelalle näytetty
