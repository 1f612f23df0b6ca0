# Meddelanden. Formuleringarna är detta systems egna: FPA:s ursprungliga texter har inte varit tillgängliga.
# Sms: inga personuppgifter, ingen begäran om bankkoder, länk endast till en kela.fi-adress.

## Till klienten per sms

feedback = Kela/FPA: Berätta hur din rehabilitering går. Svara anonymt: { $link } FPA ber inte om bankkoder.
course-confirmed = Kela/FPA: Din rehabiliteringskurs är bekräftad och ordnas. Serviceproducenten berättar tidtabellen för dig.
place-released = Kela/FPA: Ditt rehabiliteringsbeslut har dragits in enligt din anmälan. Din kursplats är ledig för andra. Mer information: kela.fi
application-waits = Kela/FPA: Din ansökan väntar, eftersom årets klientkvot är full. Du behöver inte göra något. Du får ett beslut senare.

## Till serviceproducentens meddelanden

decision-received = Nytt rehabiliteringsbeslut { $decision_ref }. Klienten kan kopplas till en kurs.
client-unpinned = Beslutet { $decision_ref } har dragits in. { $course_number ->
        [unknown] Klienten togs bort från din kurs.
       *[other] Klienten togs bort från kurs { $course_number }.
    } { $place ->
        [free] Platsen blev ledig.
       *[taken] Kursen har redan börjat, så platsen blev inte ledig.
    }
count-full = Det anmälda klientantalet för { $year } ({ $announced }) är fullt i servicen { $service_name }.
quota-in-use = I servicen { $service_name } gäller en klientkvot: { $limit } nya klienter år { $year }.
quota-full = Inga nya beslut fattas tills vidare för år { $year } i servicen { $service_name }.
audit-finding-opened = Vid en kvalitetsrevision gjordes en anmärkning vid ditt verksamhetsställe { $office } i servicen { $service_name }. Anmäl de korrigerande åtgärderna senast { $due_on }.
audit-finding-due = Tidsfristen för de korrigerande åtgärderna efter revisionsanmärkningen är { $due_on } (verksamhetsstället { $office }, servicen { $service_name }).
audit-finding-overdue = Tidsfristen för de korrigerande åtgärderna efter revisionsanmärkningen var { $due_on }, och inga åtgärder har anmälts (verksamhetsstället { $office }, servicen { $service_name }).
data-review-due = Kontrollera att uppgifterna om ditt verksamhetsställe { $office } är aktuella i registreringssystemet, och bekräfta det. Kontrolldag: { $due_on }.
