"""A form that was filled in while the sign-in ended, or in a tab of a sign-in before: it is shown again, to be sent.

Only a form of our own pages is: the browser has to say so (`Sec-Fetch-Site: same-origin`, which no page can
write), since its token proves nothing any more. What it holds travels in the sign-in's form, and nowhere else;
it is sent by who sees it, with the token of the new session, and counts once (`Idempotency-Key`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from chassis.problems import ProblemWriter
from chassis.request_body import BODY, Body, BodyKind
from contracts.identity_codes import TextKind
from services.gateway.browser import is_page
from services.gateway.domain import own_address
from services.gateway.forms import KEPT, WRITTEN
from services.gateway.visitor import Visitor, visitor

ACTS = frozenset({"provider-confirm", "provider-pin", "provider-publish", "provider-unpin"})
"""What the buttons of such forms do, by their text; it is the button's when the form is shown again."""


@dataclass(frozen=True)
class KeptForm:
    """What somebody wrote in a form that was not taken: fields by name, and the address it goes to."""

    send_to: str
    fields: Mapping[str, str]

    @property
    def page(self) -> str:
        """The address of the page the form stood on: the one above."""
        return self.send_to.rpartition("/")[0] or "/"

    @property
    def carried(self) -> dict[str, str]:
        """The hidden fields with which another form carries this one."""
        return {"send-to": self.send_to, **{f"{KEPT}{name}": value for name, value in self.fields.items()}}

    @property
    def seen(self) -> list[tuple[str, str, bool]]:
        """What a person wrote: field, value, and whether it is prose."""
        kinds = {name: WRITTEN[name] for name in self.fields}
        return [
            (name, self.fields[name], kind is TextKind.PROSE)
            for name, kind in sorted(kinds.items())
            if kind is not TextKind.MACHINE
        ]


def form_in(request: Request) -> KeptForm | None:
    """The form in a request, where it was filled in on a page of ours."""
    body: Body = request.scope[BODY]
    address = own_address(request.url.path)
    ours = request.headers.get("sec-fetch-site") == "same-origin"
    if not (ours and address and request.method == "POST" and body.kind is BodyKind.FORM and is_page(request.scope)):
        return None
    return _with_words(address, {name: value for name, value in body.value if name in WRITTEN})


def form_carried_by(form: Mapping[str, str]) -> KeptForm | None:
    """The form that the sign-in's form carries; None where it is to go to no page of ours."""
    address = own_address(form.get("send-to", ""))
    if address is None:
        return None
    names = {name: name.removeprefix(KEPT) for name in form if name.startswith(KEPT)}
    return _with_words(address, {of: form[name] for name, of in names.items()})


def _with_words(address: str, fields: Mapping[str, str]) -> KeptForm | None:
    """None where nothing was filled in that would be lost."""
    form = KeptForm(address, fields)
    return form if any(value.strip() for _, value, _ in form.seen) else None


def show_again(visitor: Visitor, form: KeptForm, *, status: int = 200) -> Response:
    """The page on which a form is looked through and sent."""
    act = form.fields.get("act", "")
    return visitor.page(
        "kept_form.html",
        title=visitor.t("kept-form-title"),
        status=status,
        at=form.page,
        form=form,
        hidden={name: value for name, value in form.fields.items() if WRITTEN[name] is TextKind.MACHINE},
        button=visitor.t(act if act in ACTS else "kept-form-button"),
    )


async def on_stale_form(request: Request, refused: Exception) -> Response:
    """A form whose token is not the session's: shown again with this session's where it is surely our own."""
    form = form_in(request)
    asking = await visitor(request) if form else None
    if form and asking and asking.session:
        return show_again(asking, form, status=403)
    problems: ProblemWriter = request.app.state.problems
    return await problems.on_refusal(request, refused)
