"""A customer's own page, reached by a link of their own: what they hear from us, and what of them is used.

Looking changes nothing: only a form that was sent does, or the one POST that mail programs send for
"unsubscribe" (RFC 8058).
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from outreach.choices import Link, Refused, choose, read_link, standing
from outreach.web.frame import Frame, form_of
from warehouse import clock
from warehouse.errors import AdvocateError, SettingsError

PREFIX = "/yours"
_WORDS = {
    "en": {
        "title": "What you hear from us",
        "save": "Save",
        "saved": "Saved. It counts from now on.",
        "nothing": "That is what counts already.",
        "until": "This page is yours alone; its link ends on",
        "person": "Would you rather talk to a person?",
    },
    "de": {
        "title": "Was Sie von uns hören",
        "save": "Speichern",
        "saved": "Gespeichert. Das gilt ab jetzt.",
        "nothing": "Das gilt bereits.",
        "until": "Diese Seite gehört nur Ihnen; ihr Link endet am",
        "person": "Möchten Sie lieber mit einem Menschen sprechen?",
    },
}
_REFUSED = {"unknown": 404, "expired": 410}


def yours_app(frame: Frame) -> FastAPI:
    """The application of customers' own pages, to be mounted under `/yours`."""
    app = FastAPI(title="Yours", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.get("/{token}", response_class=HTMLResponse)
    def look(token: str, said: str = "") -> Response:
        link = read_link(frame.settings(), token, clock.now())
        return _refused(frame, link) if isinstance(link, Refused) else _shown(frame, link, token, said)

    @app.post("/{token}", response_class=HTMLResponse)
    async def chosen(request: Request, token: str) -> Response:
        settings, now = frame.settings(), clock.now()
        link = read_link(settings, token, now)
        if isinstance(link, Refused):
            return _refused(frame, link)
        form = await form_of(request, most=100)
        values = {name: value for name, value in form.items() if isinstance(value, str)}
        known = {offer.what for offer in standing(settings, link.customer_id).offers}
        new = choose(
            settings,
            link.customer_id,
            {name: value for name, value in values.items() if name in known},
            link.link_id,
            now,
        )
        said = "saved" if new else "nothing"
        return RedirectResponse(f"{PREFIX}/{token}?said={said}", status_code=303)

    @app.post("/{token}/stop", response_class=HTMLResponse)
    def stop(token: str) -> Response:
        settings, now = frame.settings(), clock.now()
        link = read_link(settings, token, now)
        if isinstance(link, Refused):
            return _refused(frame, link)
        choose(settings, link.customer_id, {"marketing": "off"}, link.link_id, now)
        return RedirectResponse(f"{PREFIX}/{token}?said=saved", status_code=303)

    def explained(_request: Request, error: Exception) -> Response:
        status = 422 if isinstance(error, SettingsError) else 503
        said = str(error) if status == 422 else "This does not work now; please try again later."
        return _page(frame, "yours_refused.html", {"language": "en", "sentence": said}, status)

    app.add_exception_handler(AdvocateError, explained)
    return app


def _shown(frame: Frame, link: Link, token: str, said: str) -> Response:
    now = standing(frame.settings(), link.customer_id)
    words = _WORDS.get(now.language, _WORDS["en"])
    data = {
        "language": now.language,
        "words": words,
        "offers": now.offers,
        "token": token,
        "ends": f"{link.expires_at:%Y-%m-%d}",
        "said": words[said] if said in ("saved", "nothing") else "",
        "contact": frame.settings().outreach.contact,
    }
    return _page(frame, "yours.html", data, 200)


def _refused(frame: Frame, refused: Refused) -> Response:
    data = {"language": "en", "sentence": refused.sentence}
    return _page(frame, "yours_refused.html", data, _REFUSED[refused.reason])


def _page(frame: Frame, template: str, data: dict[str, Any], status: int) -> Response:
    shop = frame.settings().outreach.shop_name
    return HTMLResponse(frame.templates.get_template(template).render(data | {"shop": shop}), status)
