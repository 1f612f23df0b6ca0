course-unknown = Kursen hittas inte.
course-gone = Kurs { $course_number } har avslutats, raderats eller ställts in.
course-started = Kursens första dag { $first_day } har redan börjat.
not-published = Kurs { $course_number } måste publiceras först.
already-published = Kurs { $course_number } har redan publicerats.
already-confirmed = Kurs { $course_number } har redan bekräftats.
confirm-too-few = Kursen kan bekräftas när minst { $needed } klienter är kopplade. Nu är { $pinned } kopplade.
course-full = { $offer ->
    [grow_group] Kursen är full: { $group_size } platser är upptagna. Ni kan utöka gruppen till { $may_grow_to }.
   *[none] Kursen är full: { $group_size } platser är upptagna.
}
decision-unknown = Det finns inget beslut för er med den här beslutsidentifikationen.
decision-revoked = Beslutet har dragits in, så klienten kan inte kopplas.
decision-not-granted = Beslutet är inte ett giltigt beviljande.
other-provider = Beslutet gäller en annan serviceproducent.
other-service = Beslutet gäller en annan tjänst ({ $decision_service }); kursens tjänst är { $course_service }.
already-pinned = Klienten är redan kopplad till er kurs { $course_number }.
not-pinned = Klienten är inte kopplad till den här kursen.
contract-unknown = Avtalet hittas inte.
contract-not-valid = { $valid_to ->
    [None] Avtalet gäller från { $valid_from }.
   *[other] Avtalet gäller { $valid_from } – { $valid_to }.
}
office-unknown = Verksamhetsstället hittas inte.
office-closed = Verksamhetsstället är stängt.
office-of-other-provider = Verksamhetsstället hör till en annan serviceproducent än avtalet.
not-a-course-service = Den här tjänsten har inga kurser.
no-description-in-force = Tjänsten har ingen gällande servicebeskrivning.
group-size-out-of-range = { $group_max ->
    [None] Gruppstorleken ska vara minst { $group_min }.
   *[other] Gruppstorleken ska vara { $group_min }–{ $group_max }.
}
target-group-unknown = Sjukdomsmålgruppen finns inte i servicebeskrivningen. Grupperna är: { $known }.
target-groups-count = Välj { $least }–{ $most } olika sjukdomsmålgrupper. Valda: { $chosen }.
age-group-required = Servicebeskrivningen kräver att en åldersgrupp väljs: { $known }.
age-group-unknown = Åldersgruppen finns inte i servicebeskrivningen. Grupperna är: { $known }.
periods-in-past = Kursen kan inte börja en dag som har passerat ({ $first_day }).
period-backwards = Sista dagen i period { $number } är före den första.
periods-overlap = Period { $number } börjar innan den föregående slutar.
period-plan-mismatch = Servicebeskrivningen har { $planned } perioder, { $given } angavs.
period-length = Period { $number } är enligt servicebeskrivningen { $planned } dagar, { $given } angavs.
period-mode-planned = Genomförandeformen för period { $number } anges i servicebeskrivningen: { $mode }.
period-mode-required = Välj genomförandeform för period { $number }.
total-duration-exceeded = Kursens totala längd är högst { $months } månader: sista dagen kan vara { $latest }, angiven { $last_day }.
place-ledger-full = Det anmälda klientantalet för { $year } är { $announced }. Kurserna har redan { $reserved } klientplatser och { $free } är lediga, så { $requested } ryms inte. Ni kan höja det anmälda klientantalet.
cursor-invalid = Sidans adress duger inte. Börja från listans början.
not-confirmed = Kurs { $course_number } är inte bekräftad: FPA ställer bara in bekräftade och pågående kurser.
confirmed = Kurs { $course_number } är bekräftad och ska genomföras. Bara FPA kan ställa in den.
must-run = { $pinned } klienter är kopplade. När de är minst { $must_run_at } ska kursen alltid genomföras. Kontakta FPA om det inte är möjligt.
transfers-missing = { $pinned } klienter är kopplade. Ange för var och en till vilken kurs klienten flyttas; { $planned } är planerade.
reason-required = Ange orsaken: FPA får veta om det här.
course-not-started = Kursen börjar { $first_day }. Det här kan anges först efter det.
late-confirm-too-few = { $pinned_at_start } klienter var kopplade när kursen började, { $needed } behövs. Be FPA bekräfta kursen.
not-ended = Kursen har varken raderats eller ställts in.
draft-unknown = Den ofullständiga kursen hittas inte.
draft-gone = Den ofullständiga kursen har redan kompletterats eller raderats.
draft-exists = Den här ofullständiga kursen har redan importerats.
draft-too-new = Sedan { $cut_over } kan ofullständiga kurser inte längre sparas. Den här är från { $saved_on }.
shrink-after-confirmation = En bekräftad kurs grupp kan bara utökas. Gruppstorleken är { $group_size }.
shrink-below-pinned = { $pinned } klienter är kopplade, så gruppstorleken kan inte vara { $requested }.
target-group-frozen = Kurs { $course_number } bekräftades { $confirmed_on }, så målgruppen kan inte längre ändras.
period-frozen = De här perioderna kan inte längre flyttas: { $periods }. Kursen är bunden till dem, eller så har de börjat.
consent-missing = { $change ->
    [dates] De här kopplade klienterna har inte samtyckt till de nya datumen: { $decision_refs }.
   *[course] Kom först överens med klienten om bytet och ange när och hur ni kom överens.
}
consent-in-future = Klientens samtycke kan inte vara från { $given_on }: i dag är det { $today }.
guardian-needed = På en familjekurs är det vårdnadshavaren som ger samtycke. Anteckna vårdnadshavarens samtycke.
deadline-breaks = Kursen skulle börja { $first_day }, efter den dag då de här klienterna senast ska vara på en bekräftad kurs: { $decision_refs }.
mixed-age-not-last = Det anmälda klientantalet för { $year } har ännu { $free } lediga platser, vilket räcker till en kurs till ({ $group_min }). Bara årets sista kurs får vara för alla åldrar.
no-age-group = Kurs { $course_number } är inte för en viss åldersgrupp.
not-mixed-age = Kurs { $course_number } är inte för alla åldrar.
age-notice-missing = De här klienterna måste först få veta att kursen är för alla åldrar och att de får byta serviceproducent: { $decision_refs }.

# Clients between courses
course-not-begun = Kursen { $course_number } har inte börjat: den börjar { $first_day }. Ta i stället bort klienten från kursen.
must-run-reason-required = Kursen { $course_number } har måst genomföras sedan { $must_run_since }. Ange varför klienten lämnar den; FPA underrättas.
nothing-attended = Klienten har inte deltagit i någon av kursens perioder, så ingen av dem kan vara den sista.
nothing-remains = Klienten har redan deltagit i alla perioder.
participation-not-noted = Anteckna först om klienten deltog i dessa perioder av kursen { $course_number }: { $periods }.
path-too-long = Klientens hela rehabilitering får pågå i { $months } månader från den första dagen klienten deltog, { $first_day }, alltså till { $latest }. På den här kursen skulle den pågå till { $last_day }.
paths-too-long = Hela rehabiliteringen får pågå i { $months } månader från den första dagen klienten deltog. Med de här datumen skulle den pågå till { $last_day } för klienter som började på en annan kurs: { $decision_refs }. Deras senaste möjliga sista dagar: { $latest }.
period-not-begun = Period { $number } började inte medan klienten var på kursen.
period-not-planned = Perioden är inte planerad för klienten. Klientens perioder är: { $planned }.
period-noted-twice = Klienten deltog antingen i en period eller inte, inte båda: { $periods }.
periods-do-not-match = Klienten har deltagit i perioder på en kurs med { $periods_before } perioder. Den här kursen är indelad på ett annat sätt; den har { $periods_there }.
periods-not-after = Period { $number } börjar { $first_day }, men klienten går på den andra kursen till { $attended_until }.
periods-passed = Dessa perioder av kursen { $course_number } som klienten behöver är redan över: { $periods }.
same-course = Klienten ska flyttas till en annan kurs.
target-group-mismatch = Kursen är inte avsedd för klientens sjukdomsgrupp. Den är avsedd för: { $allowed }.
age-mismatch = { $max_age ->
    [None] Kursen är avsedd för klienter som har fyllt { $min_age } år { $on }.
   *[other] { $min_age ->
        [None] Kursen är avsedd för klienter som är högst { $max_age } år { $on }.
       *[other] Kursen är avsedd för klienter som är { $min_age }–{ $max_age } år { $on }.
    }
}

# Kurser och platser som tabell
courses-title = Kurser
pins-title = Kopplingar
yes = ja
no = nej
every-age = alla åldrar
every-period = alla
column-provider-id = FO-nummer
column-contract = Avtal
column-office = Verksamhetsställe
column-course-number = Kursens nummer
column-course-id = Kursens identifikation
column-service-code = Tjänstens kod
column-service = Tjänst
column-language = Tjänstens språk
column-state = Status
column-stale = Börjat utan bekräftelse
column-year = År
column-first-day = Första dag
column-last-day = Sista dag
column-target-groups = Målgrupper
column-age-group = Åldersgrupp
column-group-size = Gruppens storlek
column-pinned = Kopplade
column-occupied = Upptagna platser
column-free-places = Lediga platser
column-must-run = Måste genomföras
column-must-run-since = Måste genomföras sedan
column-confirm-by = Ska bekräftas senast
column-confirmed-on = Bekräftad
column-late-confirmed = Bekräftad i efterhand
column-decision = Beslutets identifikation
column-reason = Orsak
column-pinned-on = Kopplad
column-ended-on = Avslutad
column-occupies-place = Tar en plats
column-periods-planned = Planerade perioder
column-periods-attended = Perioder med deltagande
column-periods-missed = Perioder med frånvaro
column-moved-from = Flyttad från kurs
column-moved-to = Flyttad till kurs
course-state-created = skapad
course-state-published = publicerad
course-state-confirmed = bekräftad
course-state-running = pågår
course-state-completed = genomförd
course-state-deleted = raderad
course-state-cancelled = inställd
pin-state-active = gäller
pin-state-released = borttagen
pin-state-moved = flyttad
pin-state-fulfilled = genomförd
pin-state-interrupted = avbruten
pin-reason-provider = serviceproducenten tog bort
pin-reason-decision-revoked = beslutet drogs in
pin-reason-decision-annulled = beslutet upphävdes
pin-reason-provider-changed = serviceproducenten byttes
pin-reason-course-deleted = kursen raderades
pin-reason-course-cancelled = kursen ställdes in
pin-reason-did-not-happen = kursen genomfördes inte

# What the audit says was done.
act-create-course = Kursen skapad
act-publish-course = Kursen publicerad
act-confirm-course = Kursen bekräftad
act-confirm-retroactively = Kursen bekräftad i efterhand
act-resize-course = Gruppstorleken ändrad
act-retarget-course = Målgrupperna ändrade
act-reschedule-course = Kursens datum flyttade
act-mix-ages = Kursen öppnad för alla åldrar
act-acknowledge-mixed-ages = Klientens vetskap om blandade åldrar antecknad
act-set-contact = Kontaktuppgifterna ändrade
act-link-contact = Avtalets kontaktuppgifter återställda
act-end-course = Kursen inställd eller borttagen
act-report-unconfirmable = FPA underrättad om att kursen inte kan bekräftas
act-pin-client = Klienten kopplad till kursen
act-unpin-client = Kopplingen till kursen borttagen
act-move-client = Klienten flyttad till en annan kurs
act-note-participation = Deltagandet antecknat
act-interrupt-rehabilitation = Rehabiliteringen avbruten
act-report-cannot-place = FPA underrättad om att ingen kurs finns för klienten
act-import-draft = Oavslutad kurs importerad från det äldre systemet
act-complete-draft = Oavslutad kurs slutförd
act-delete-draft = Oavslutad kurs borttagen
act-begin-course = Kursen har börjat
act-complete-course = Kursen avslutad
act-fulfil-pin = Klientens kurs genomförd
act-release-client = Klienten frigjord från kursen
act-read-age-notices = Åldersmeddelanden visade
act-read-history-of-course = Kursens historik visad
act-read-history-of-decision = Beslutets kurshistorik visad
act-read-pinnable-clients = Klienter som kan kopplas visade
act-read-pins = Kopplingar visade
act-read-pins-of-decision = Beslutets kopplingar visade
act-read-reports = Anmälningar till FPA visade
