# Viestit. Sanamuodot ovat tämän järjestelmän omia: Kelan alkuperäisiä tekstejä ei ole ollut saatavilla.
# Tekstiviestit: ei henkilötietoja, ei pyyntöä tunnistautua pankkitunnuksilla, linkki vain kela.fi-osoitteeseen.

## Asiakkaalle tekstiviestinä

feedback = Kela: Kerro, miten kuntoutuksesi sujuu. Vastaa nimettömästi: { $link } Kela ei pyydä pankkitunnuksia.
course-confirmed = Kela: Kuntoutuskurssisi on vahvistettu ja se järjestetään. Palveluntuottaja kertoo sinulle aikataulun.
place-released = Kela: Kuntoutuspäätöksesi on lakkautettu ilmoituksesi mukaan. Paikkasi kurssilla on vapautettu. Lisätietoa: kela.fi
course-not-held = Kela: Kurssia, jolla sinulla oli paikka, ei järjestetä. Kuntoutuspäätöksesi on voimassa. Palveluntuottaja kertoo sinulle uudesta kurssista.
place-moved = Kela: Kurssipaikkasi on siirretty toiselle kurssille, kuten on sovittu. Kuntoutuspäätöksesi on voimassa. Palveluntuottaja kertoo sinulle aikataulun.
application-waits = Kela: Hakemuksesi odottaa, koska tähän kuntoutukseen ei voi nyt antaa uusia päätöksiä. Sinun ei tarvitse tehdä mitään. Saat päätöksen myöhemmin.

## Palveluntuottajan viesteihin

decision-received = Uusi kurssipäätös { $decision_ref }. Asiakkaan voi kiinnittää kurssille.
client-unpinned = Päätös { $decision_ref } on { $why ->
        [decision_annulled] kumottu, koska se oli annettu virheellisesti.
       *[decision_revoked] lakkautettu.
    } { $course_number ->
        [unknown] Asiakas poistettiin kurssiltasi.
       *[other] Asiakas poistettiin kurssilta { $course_number }.
    } { $place ->
        [free] Paikka vapautui.
       *[taken] Kurssi on jo alkanut, joten paikka ei vapautunut.
    }
course-ended = { $why ->
        [course_cancelled] Kela perui
        [did_not_happen] Järjestämättä jäi
       *[course_deleted] Poistettiin
    } { $course_number ->
        [unknown] kurssinne.
       *[other] kurssi { $course_number }.
    } Päätös { $decision_ref } on voimassa: kiinnittäkää asiakas toiselle kurssille.
count-full = Vuoden { $year } ilmoitettu asiakasmäärä ({ $announced }) on täynnä palvelussa { $service_name }.
quota-in-use = Palvelussa { $service_name } on käytössä asiakaskiintiö: { $limit } uutta asiakasta vuonna { $year }.
quota-full = Palvelun { $service_name } uusia päätöksiä ei tehdä vuonna { $year } toistaiseksi.
change-decided = Kela { $outcome ->
        [approved] on hyväksynyt muutoksen
       *[rejected] ei ole hyväksynyt muutosta
    }: { $kind ->
        [subcontractor_added] uusi alihankkija
        [subcontractor_removed] alihankkijan poistaminen
        [consortium_changed] ryhmittymän kokoonpano
        [visiting_address_changed] toimipisteen käyntiosoite
        [premises_changed] toimipisteen tilat
        [company_form_changed] yhtiömuoto
        [merger_or_sale] fuusio tai yrityskauppa
        [staff_changed] henkilöstö
       *[other] muu muutos
    }. { $outcome ->
        [approved] Muutos on voimassa alkaen { $effective_from }, kuitenkin aikaisintaan hyväksymisestä.
       *[rejected] Entinen jää voimaan. Perustelut ovat rekisteröitymisjärjestelmässä.
    }
audit-finding-opened = Auditoinnissa tehtiin havainto toimipisteessäsi { $office } palvelussa { $service_name }. Ilmoita korjaavista toimenpiteistä viimeistään { $due_on }.
audit-finding-due = Auditointihavainnon korjaavien toimenpiteiden määräaika on { $due_on } (toimipiste { $office }, palvelu { $service_name }).
audit-finding-overdue = Auditointihavainnon korjaavien toimenpiteiden määräaika oli { $due_on }, eikä niistä ole ilmoitettu (toimipiste { $office }, palvelu { $service_name }).
data-review-due = Tarkista, että toimipisteesi { $office } tiedot ovat ajan tasalla rekisteröitymisjärjestelmässä, ja vahvista se. Tarkistuspäivä: { $due_on }.
