# The statements of the client-centredness survey. The wording is this system's own (source: demo), not the original.

title = How has your rehabilitation gone?
best = fully agree
worst = fully disagree

mutual-participation = Doing things together
raising-awareness = Growing understanding
giving-information = Giving the information needed
open-communication = Open communication

statement-1 = I took part in deciding the goals of my rehabilitation.
statement-2 = My rehabilitation was planned together with me.
statement-3 = My wishes were taken into account during the course.
statement-4 = People who matter to me could take part if I wanted.
statement-5 = I understand better now how I can affect the way I feel.
statement-6 = I noticed my own strengths during the rehabilitation.
statement-7 = I got means for everyday life.
statement-8 = I know what I will do after the rehabilitation.
statement-9 = I got information when I needed it.
statement-10 = I was told clearly what the periods of the course hold.
statement-11 = I got understandable information about my illness or situation.
statement-12 = I know where to get help from now on.
statement-13 = I was listened to.
statement-14 = I dared to speak of difficult things as well.
statement-15 = I was treated with respect.
statement-16 = The programme of the course suited me.
statement-17 = The premises and equipment suited me.
statement-18 = I got support from the others on the course.
statement-19 = I would recommend this course to others in the same situation.
