# Påståendena i enkäten om klientorientering. Formuleringarna är detta systems egna (source: demo), inte de ursprungliga.

title = Hur har din rehabilitering gått?
best = helt av samma åsikt
worst = helt av annan åsikt

mutual-participation = Att göra tillsammans
raising-awareness = Att öka förståelsen
giving-information = Att ge den information som behövs
open-communication = Öppen kommunikation

statement-1 = Jag fick vara med och besluta om målen för min rehabilitering.
statement-2 = Rehabiliteringen planerades tillsammans med mig.
statement-3 = Mina önskemål beaktades under kursen.
statement-4 = Människor som är viktiga för mig fick delta om jag ville.
statement-5 = Jag förstår nu bättre hur jag kan påverka mitt mående.
statement-6 = Jag upptäckte mina styrkor under rehabiliteringen.
statement-7 = Jag fick verktyg för vardagen.
statement-8 = Jag vet vad jag gör efter rehabiliteringen.
statement-9 = Jag fick information när jag behövde den.
statement-10 = Det berättades tydligt för mig vad vi gör under kursens perioder.
statement-11 = Jag fick begriplig information om min sjukdom eller situation.
statement-12 = Jag vet var jag får hjälp i fortsättningen.
statement-13 = Jag blev lyssnad på.
statement-14 = Jag vågade tala också om svåra saker.
statement-15 = Jag blev bemött med respekt.
statement-16 = Kursens program passade mig.
statement-17 = Lokalerna och utrustningen passade mig.
statement-18 = Jag fick stöd av de andra på kursen.
statement-19 = Jag skulle rekommendera kursen för andra i samma situation.
