municipality-unknown = There is no municipality with this name or number. Check the spelling.
service-unknown = There is no such service, or its description is not in force.
course-unknown = There is no published course with this number.
cursor-invalid = The place where the page goes on cannot be read. Start the search again.
