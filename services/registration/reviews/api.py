"""HTTP of reviews: when an office's data were last confirmed."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from chassis.acts import does
from chassis.db import Transaction
from chassis.http import Answer, problems
from services.registration.acts import Act
from services.registration.fields import After, BusinessId, IdInPath, Limit, Provider, Reader
from services.registration.reviews import handlers, store
from services.registration.reviews.planning import review_by
from services.registration.reviews.store import ReviewedOffice

router = APIRouter(tags=["reviews"])


class ReviewView(BaseModel):
    """When an office's data were last confirmed; null: never, and `review_by` counts from the registration."""

    office_id: str
    provider_id: str
    name: str
    reviewed_on: date | None
    review_by: date
    due: bool

    @classmethod
    def of(cls, office: ReviewedOffice, today: date) -> "ReviewView":
        """The view of an office as of today."""
        by = review_by(office.since)
        return cls(
            office_id=office.office_id,
            provider_id=office.provider_id,
            name=office.name,
            reviewed_on=office.reviewed_on,
            review_by=by,
            due=today >= by,
        )


class ReviewList(BaseModel):
    """Open offices by id; `next` is the `after` of the following page."""

    items: list[ReviewView]
    next: str | None


class PastReview(BaseModel):
    """One confirmation."""

    reviewed_on: date
    reviewed_at: datetime
    reviewed_by: str


class PastReviewList(BaseModel):
    """Newest first."""

    items: list[PastReview]
    next: None = None


@router.post(
    "/offices/{office_id}/review",
    response_model=ReviewView,
    responses=problems("OFFICE_UNKNOWN", "STALE_VERSION"),
    openapi_extra=does(Act.CONFIRM_DATA),
)
async def confirm_data(office_id: IdInPath, caller: Provider) -> Response:
    """Confirm that the office's data are up to date; If-Match takes the office's version (R-REG-7)."""

    async def act(tx: Transaction) -> Answer:
        office = await handlers.confirm_data(tx, office_id, if_match=caller.if_match)
        return Answer(200, ReviewView.of(office, tx.today))

    return await caller.command(act)


@router.get("/offices/{office_id}/review", response_model=ReviewView, responses=problems("OFFICE_UNKNOWN"))
async def show_review(office_id: IdInPath, caller: Reader) -> Response:
    """When the office's data were last confirmed, and by when they are to be confirmed again."""

    async def read(tx: Transaction) -> Answer:
        return Answer(200, ReviewView.of(await store.get_office(tx, office_id), tx.today))

    return await caller.query(read)


@router.get("/offices/{office_id}/reviews", response_model=PastReviewList, responses=problems("OFFICE_UNKNOWN"))
async def list_past_reviews(office_id: IdInPath, caller: Reader) -> Response:
    """Who confirmed the office's data, and when."""

    async def read(tx: Transaction) -> Answer:
        await store.get_office(tx, office_id)
        found = await store.find_reviews(tx, office_id)
        items = [PastReview.model_validate(each, from_attributes=True) for each in found]
        return Answer(200, PastReviewList(items=items))

    return await caller.query(read)


@router.get("/data-reviews", response_model=ReviewList, responses=problems())
async def list_reviews(
    caller: Reader,
    provider_id: BusinessId | None = None,
    due: Annotated[bool, Query(description="Only those whose day has come")] = False,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Open offices with the day their data were last confirmed; a provider sees its own only."""

    async def read(tx: Transaction) -> Answer:
        due_on = tx.today if due else None
        found = await store.find_offices(tx, provider_id, due_on=due_on, after=after, limit=limit + 1)
        items = [ReviewView.of(office, tx.today) for office in found[:limit]]
        return Answer(200, ReviewList(items=items, next=items[-1].office_id if len(found) > limit else None))

    return await caller.query(read)
