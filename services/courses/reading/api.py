"""HTTP of reading courses and pins in bulk: filtered lists, page by page, and the same as files.

A provider gets its own, Kela and its systems everybody's.
"""

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from chassis.acts import shows
from chassis.conditional import UNCHANGED, unless_known
from chassis.db import Transaction
from chassis.exports import MOST_ROWS, Export, file_of, require_exportable
from chassis.http import Answer, Caller, problems
from chassis.settled import followed
from chassis.tables import TableFormat
from contracts.identity_codes import TextKind
from contracts.values import CourseState, PinState
from services.courses.acts import Read
from services.courses.answers import course_views
from services.courses.domain import Course
from services.courses.fields import CODE, ID, After, BusinessId, Limit, Place, Reading, Year
from services.courses.reading import export, store
from services.courses.reading.store import CoursesWanted, PinOnCourse, PinsWanted
from services.courses.views import CourseList, PinView

router = APIRouter()

AskedId = Annotated[str | None, TextKind.MACHINE, Query(pattern=ID)]
AskedService = Annotated[str | None, TextKind.MACHINE, Query(pattern=CODE)]


class PinOnCourseView(PinView):
    """A pin with whose it is and on what course."""

    provider_id: str
    contract_id: str
    service: str
    year: int
    course_number: int

    @classmethod
    def found(cls, each: PinOnCourse) -> Self:
        """The pin with its decision's deadline."""
        return cls(
            **dict(PinView.of(each.pin, each.confirm_by)),
            provider_id=each.pin.provider_id,
            contract_id=each.contract_id,
            service=each.service,
            year=each.year,
            course_number=each.course_number,
        )


class PinOnCourseList(BaseModel):
    """A page of pins; `next` is the `after` of the following page, `resume` that which later shows what is new."""

    items: list[PinOnCourseView]
    next: str | None
    resume: Annotated[str, Field(examples=["1204"])]


def _courses_wanted(
    caller: Reading,
    provider_id: BusinessId | None = None,
    contract_id: AskedId = None,
    office_id: AskedId = None,
    service: AskedService = None,
    state: CourseState | None = None,
    year: Year | None = None,
    stale: bool | None = None,
    must_run: bool | None = None,
) -> CoursesWanted:
    provider_id = provider_id or caller.principal.provider_id
    return CoursesWanted(provider_id, contract_id, office_id, service, state, year, stale, must_run)


def _pins_wanted(
    caller: Reading,
    provider_id: BusinessId | None = None,
    contract_id: AskedId = None,
    office_id: AskedId = None,
    service: AskedService = None,
    state: PinState | None = None,
    year: Year | None = None,
) -> PinsWanted:
    return PinsWanted(provider_id or caller.principal.provider_id, contract_id, office_id, service, state, year)


WantedCourses = Annotated[CoursesWanted, Depends(_courses_wanted)]
WantedPins = Annotated[PinsWanted, Depends(_pins_wanted)]


@router.get("/courses", response_model=CourseList, responses=problems() | UNCHANGED)
async def list_courses(caller: Reading, wanted: WantedCourses, after: After = "", limit: Limit = 100) -> Response:
    """Courses in the order they were created.

    `stale` are those past their start that nobody confirmed, `must_run` those with so many clients that
    they must be carried out; false leaves the others.
    """

    async def read(tx: Transaction) -> Answer:
        found = await store.find_courses(tx, wanted, on=tx.today, after=after, limit=limit + 1)
        items = await course_views(tx, found[:limit])
        following = items[-1].course_id if len(found) > limit else None
        return unless_known(caller, CourseList(items=items, next=following))

    return await caller.query(read)


@router.get(
    "/pins",
    response_model=PinOnCourseList,
    responses=problems() | UNCHANGED,
    openapi_extra=shows(Read.READ_PINS),
)
async def list_all_pins(caller: Reading, wanted: WantedPins, after: Place = 0, limit: Limit = 100) -> Response:
    """Every pin there is or was, over all courses, in the order they were made (R-CRS-29)."""

    async def read(tx: Transaction) -> Answer:
        settled = await tx.settled("pins", "pin_id")
        found = await store.find_pins(tx, wanted, after=after, limit=limit + 1)
        numbered = [(each.place, each) for each in found]
        page = followed(numbered, limit, settled, after=str(after), cursor=lambda number, _: str(number))
        items = [PinOnCourseView.found(each) for each in page.items]
        return unless_known(caller, PinOnCourseList(items=items, next=page.next, resume=str(page.resume)))

    return await caller.query(read)


@router.get(
    "/courses.csv",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.CSV),
)
async def export_courses_as_csv(caller: Reading, wanted: WantedCourses) -> Response:
    """The courses as CSV, with semicolons and in UTF-8; its words are in the language of Accept-Language."""
    return await _export_courses(caller, TableFormat.CSV, wanted)


@router.get(
    "/courses.xlsx",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.XLSX),
)
async def export_courses_as_xlsx(caller: Reading, wanted: WantedCourses) -> Response:
    """The courses as a spreadsheet; its words are in the language of Accept-Language."""
    return await _export_courses(caller, TableFormat.XLSX, wanted)


@router.get(
    "/pins.csv",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.CSV),
    openapi_extra=shows(Read.READ_PINS),
)
async def export_pins_as_csv(caller: Reading, wanted: WantedPins) -> Response:
    """The pins as CSV, with semicolons and in UTF-8; its words are in the language of Accept-Language."""
    return await _export_pins(caller, TableFormat.CSV, wanted)


@router.get(
    "/pins.xlsx",
    response_class=Response,
    responses=problems("EXPORT_TOO_LARGE") | file_of(TableFormat.XLSX),
    openapi_extra=shows(Read.READ_PINS),
)
async def export_pins_as_xlsx(caller: Reading, wanted: WantedPins) -> Response:
    """The pins as a spreadsheet; its words are in the language of Accept-Language."""
    return await _export_pins(caller, TableFormat.XLSX, wanted)


async def _export_courses(caller: Caller, kind: TableFormat, wanted: CoursesWanted) -> Response:
    file = Export.asked(caller, kind)

    async def read(tx: Transaction) -> tuple[list[tuple[Course, date | None]], date, dict[str, str]]:
        found = await store.find_courses(tx, wanted, on=tx.today, limit=MOST_ROWS + 1)
        require_exportable(found)
        services = {course.service for course, _ in found}
        return found, tx.today, await store.find_service_names(tx, sorted(services), file.language)

    found, today, names = await caller.read(read)
    return await file.response("courses", export.COURSE_COLUMNS, export.course_rows(found, today, names, file.say))


async def _export_pins(caller: Caller, kind: TableFormat, wanted: PinsWanted) -> Response:
    file = Export.asked(caller, kind)

    async def read(tx: Transaction) -> tuple[list[PinOnCourse], dict[str, str]]:
        found = await store.find_pins(tx, wanted, limit=MOST_ROWS + 1)
        require_exportable(found)
        return found, await store.find_service_names(tx, sorted({each.service for each in found}), file.language)

    found, names = await caller.read(read)
    return await file.response("pins", export.PIN_COLUMNS, export.pin_rows(found, names, file.say))
