"""How much one caller may ask of a process: settings, with the figures that hold where nothing else is set."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

_A_DAY_S = 24 * 3600


class ConnectionLimits(BaseModel):
    """Of every connection to every service (`REKKU_CONNECTIONS`, as JSON).

    While a connection is not read, because an earlier request of it is worked on, `header_s` and `body_s` stand still.

    Args:
        per_peer: connections that one peer has open at once; trusted proxies are not counted.
        header_bytes: of a request's line and headers together.
        headers: how many there are in a request.
        header_s: seconds from the connection, or the request's first byte, to the end of its headers.
        body_s: seconds from there to the end of its body.
        answer_s: seconds in which some of a waiting answer has to be taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_peer: PositiveInt = 256
    header_bytes: PositiveInt = 32_768
    headers: PositiveInt = 100
    header_s: PositiveFloat = 10.0
    body_s: PositiveFloat = 30.0
    answer_s: PositiveFloat = 30.0


class Rates(BaseModel):
    """Requests to the gateway within a minute (`REKKU_RATES`, as JSON).

    `page` is what a hospital behind one address does not reach by ordinary use: 200 people who open a
    page every ten seconds.

    Args:
        page: of an address: pages, and whatever is not named here.
        static: of an address: styles and pictures, of which a page has seven and a browser keeps them.
        api: of an address: the services' APIs, without a token that is valid.
        caller: of who holds a valid token: the services' APIs.
        token: of an address: tokens that have to be checked, which a valid one has every half a minute.
        sign_in: of an address.
        health: of an address: `/healthz`, which asks every service.
        survey: with one survey link.
        surveys: of an address: all survey links together; a mobile network's is that of thousands.
        guess: of an address: survey links that lead nowhere, or are not answered yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: PositiveInt = 1_200
    static: PositiveInt = 6_000
    api: PositiveInt = 1_200
    caller: PositiveInt = 6_000
    token: PositiveInt = 2_400
    sign_in: PositiveInt = 60
    health: PositiveInt = 120
    survey: PositiveInt = 30
    surveys: PositiveInt = 3_000
    guess: PositiveInt = 60


class SessionLimits(BaseModel):
    """How long a sign-in at the gateway lasts (`REKKU_SESSIONS`, as JSON), on real time.

    Args:
        idle_s: seconds after the last use; uses are noted once a minute, so it may end up to that much sooner.
        whole_s: seconds after the sign-in, however much it is used; never longer than its token, or a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    idle_s: Annotated[int, Field(gt=0, le=_A_DAY_S)] = 30 * 60
    whole_s: Annotated[int, Field(gt=0, le=_A_DAY_S)] = 12 * 3600

    @model_validator(mode="after")
    def _idle_is_the_shorter(self) -> Self:
        if self.idle_s > self.whole_s:
            raise ValueError("idle_s is more than whole_s, and would never be reached")
        return self
