# Messages in providers' inboxes; clients are written to in Finnish or Swedish. The wording is this system's own.

decision-received = New course decision { $decision_ref }. The client can be pinned to a course.
client-unpinned = Decision { $decision_ref } has been revoked. { $course_number ->
        [unknown] The client was removed from your course.
       *[other] The client was removed from course { $course_number }.
    } { $place ->
        [free] The place is free.
       *[taken] The course has begun, so the place is not free.
    }
course-ended = { $course_number ->
        [unknown] Your course
       *[other] Course { $course_number }
    } { $why ->
        [course_cancelled] was cancelled by Kela.
        [did_not_happen] did not take place.
       *[course_deleted] was deleted.
    } Decision { $decision_ref } is valid: pin the client to another course.
count-full = The announced client count for { $year } ({ $announced }) is full in the service { $service_name }.
quota-in-use = A client quota is in use in the service { $service_name }: { $limit } new clients in { $year }.
quota-full = No new decisions are made for { $year } in the service { $service_name } for the time being.
