# Asiakaslähtöisyyskyselyn väittämät. Sanamuodot ovat tämän järjestelmän omia (source: demo), eivät alkuperäisiä.

title = Miten kuntoutuksesi on sujunut?
best = täysin samaa mieltä
worst = täysin eri mieltä

mutual-participation = Yhdessä tekeminen
raising-awareness = Ymmärryksen lisääminen
giving-information = Tarvittavan tiedon antaminen
open-communication = Avoin vuorovaikutus

statement-1 = Sain olla mukana päättämässä kuntoutukseni tavoitteista.
statement-2 = Kuntoutus suunniteltiin yhdessä minun kanssani.
statement-3 = Toiveeni otettiin huomioon kurssin aikana.
statement-4 = Minulle merkittävät ihmiset saivat osallistua, jos halusin.
statement-5 = Ymmärrän nyt paremmin, miten voin vaikuttaa vointiini.
statement-6 = Huomasin kuntoutuksen aikana omat vahvuuteni.
statement-7 = Sain keinoja arkeen.
statement-8 = Tiedän, mitä teen kuntoutuksen jälkeen.
statement-9 = Sain tietoa silloin, kun tarvitsin sitä.
statement-10 = Minulle kerrottiin selvästi, mitä kurssin jaksoilla tehdään.
statement-11 = Sain tietoa sairaudestani tai tilanteestani ymmärrettävästi.
statement-12 = Tiedän, mistä saan apua jatkossa.
statement-13 = Minua kuunneltiin.
statement-14 = Uskalsin kertoa vaikeistakin asioista.
statement-15 = Minua kohdeltiin arvostavasti.
statement-16 = Kurssin ohjelma oli minulle sopiva.
statement-17 = Tilat ja välineet sopivat minulle.
statement-18 = Sain tukea muilta kurssilaisilta.
statement-19 = Suosittelisin tätä kurssia muille samassa tilanteessa.
