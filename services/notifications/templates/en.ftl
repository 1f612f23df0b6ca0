# Messages in providers' inboxes; clients are written to in Finnish or Swedish. The wording is this system's own.

decision-received = New course decision { $decision_ref }. The client can be pinned to a course.
client-unpinned = Decision { $decision_ref } has been { $why ->
        [decision_annulled] annulled, because it had been issued in error.
       *[decision_revoked] revoked.
    } { $course_number ->
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
change-decided = Kela { $outcome ->
        [approved] has approved the change
       *[rejected] has not approved the change
    }: { $kind ->
        [subcontractor_added] a new subcontractor
        [subcontractor_removed] a subcontractor removed
        [consortium_changed] the composition of the consortium
        [visiting_address_changed] the visiting address of an office
        [premises_changed] the premises of an office
        [company_form_changed] the company form
        [merger_or_sale] a merger or a sale
        [staff_changed] the staff
       *[other] another change
    }. { $outcome ->
        [approved] It is in force from { $effective_from }, but not before the approval.
       *[rejected] What was in force stays so. The reasons are in the registration system.
    }
audit-finding-opened = An audit at your office { $office } made a finding in the service { $service_name }. Report your corrective action by { $due_on }.
audit-finding-due = Corrective action on the audit finding at your office { $office } in the service { $service_name } is due by { $due_on }.
audit-finding-overdue = Corrective action on the audit finding at your office { $office } in the service { $service_name } was due by { $due_on } and has not been reported.
data-review-due = Check that the data of your office { $office } are up to date in the registration system, and confirm it. Due: { $due_on }.
