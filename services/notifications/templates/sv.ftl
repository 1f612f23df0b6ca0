# Meddelanden. Formuleringarna är detta systems egna: FPA:s ursprungliga texter har inte varit tillgängliga.
# Sms: inga personuppgifter, ingen begäran om bankkoder, länk endast till en kela.fi-adress.

## Till klienten per sms

feedback = Kela/FPA: Berätta hur din rehabilitering går. Svara anonymt: { $link } FPA ber inte om bankkoder.
course-confirmed = Kela/FPA: Din rehabiliteringskurs är bekräftad och ordnas. Serviceproducenten berättar tidtabellen för dig.
place-released = Kela/FPA: Ditt rehabiliteringsbeslut har dragits in enligt din anmälan. Din kursplats är ledig för andra. Mer information: kela.fi
course-not-held = Kela/FPA: Kursen där du hade en plats ordnas inte. Ditt rehabiliteringsbeslut gäller. Serviceproducenten berättar om en ny kurs för dig.
place-moved = Kela/FPA: Din kursplats har flyttats till en annan kurs, som avtalat. Ditt rehabiliteringsbeslut gäller. Serviceproducenten berättar tidtabellen.
application-waits = Kela/FPA: Din ansökan väntar, eftersom nya beslut om rehabiliteringen inte kan ges just nu. Du behöver inte göra något. Du får ett beslut senare.

## Till serviceproducentens meddelanden

decision-received = Nytt rehabiliteringsbeslut { $decision_ref }. Klienten kan kopplas till en kurs.
client-unpinned = Beslutet { $decision_ref } har { $why ->
        [decision_annulled] upphävts, eftersom det hade meddelats av misstag.
       *[decision_revoked] dragits in.
    } { $course_number ->
        [unknown] Klienten togs bort från din kurs.
       *[other] Klienten togs bort från kurs { $course_number }.
    } { $place ->
        [free] Platsen blev ledig.
       *[taken] Kursen har redan börjat, så platsen blev inte ledig.
    }
course-ended = { $course_number ->
        [unknown] Er kurs
       *[other] Kurs { $course_number }
    } { $why ->
        [course_cancelled] ställdes in av FPA.
        [did_not_happen] ordnades inte.
       *[course_deleted] raderades.
    } Beslutet { $decision_ref } gäller: koppla klienten till en annan kurs.
count-full = Det anmälda klientantalet för { $year } ({ $announced }) är fullt i servicen { $service_name }.
quota-in-use = I servicen { $service_name } gäller en klientkvot: { $limit } nya klienter år { $year }.
quota-full = Inga nya beslut fattas tills vidare för år { $year } i servicen { $service_name }.
change-decided = FPA { $outcome ->
        [approved] har godkänt ändringen
       *[rejected] har inte godkänt ändringen
    }: { $kind ->
        [subcontractor_added] en ny underleverantör
        [subcontractor_removed] en underleverantör tas bort
        [consortium_changed] gruppens sammansättning
        [visiting_address_changed] verksamhetsställets besöksadress
        [premises_changed] verksamhetsställets lokaler
        [company_form_changed] bolagsformen
        [merger_or_sale] en fusion eller ett företagsköp
        [staff_changed] personalen
       *[other] en annan ändring
    }. { $outcome ->
        [approved] Ändringen gäller från { $effective_from }, dock tidigast från godkännandet.
       *[rejected] Det tidigare gäller fortfarande. Motiveringen finns i registreringssystemet.
    }
audit-finding-opened = Vid en kvalitetsrevision gjordes en anmärkning vid ditt verksamhetsställe { $office } i servicen { $service_name }. Anmäl de korrigerande åtgärderna senast { $due_on }.
audit-finding-due = Tidsfristen för de korrigerande åtgärderna efter revisionsanmärkningen är { $due_on } (verksamhetsstället { $office }, servicen { $service_name }).
audit-finding-overdue = Tidsfristen för de korrigerande åtgärderna efter revisionsanmärkningen var { $due_on }, och inga åtgärder har anmälts (verksamhetsstället { $office }, servicen { $service_name }).
data-review-due = Kontrollera att uppgifterna om ditt verksamhetsställe { $office } är aktuella i registreringssystemet, och bekräfta det. Kontrolldag: { $due_on }.
