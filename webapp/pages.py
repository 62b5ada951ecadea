"""The pages for people: upload and result, how it works, camera, API, model cards."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from eigenface.errors import RequestError
from eigenface.limits import MAX_FILM_BYTES, MAX_FILM_SECONDS
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.drawings import eigenface_png, space_png
from eigenface.webapp.films.queue import KEPT, MOST_KEPT
from eigenface.webapp.markdown import card_html
from eigenface.webapp.results import judge_all, reasons, sorted_probabilities
from eigenface.webapp.service import FaceService, read_options, read_switch
from eigenface.webapp.uploads import read_film, read_uploads

blueprint = Blueprint("pages", __name__)

PLAIN = "gender:eigenfaces"
_SHOWN_EIGENFACES = 15
_TIMES = {"kept_minutes": round(KEPT / 60), "most_kept_minutes": round(MOST_KEPT / 60)}


def service() -> FaceService:
    """The application's service."""
    found: FaceService = current_app.extensions["eigenface"]
    return found


@blueprint.get("/")
def home() -> str:
    return _home([service().default], Adjustment())


@blueprint.post("/")
def upload() -> str | tuple[str, int]:
    wanted = request.form.getlist("task") or [service().default]
    models = service().models(",".join(wanted))
    options, adjustment = read_options(request.form), Adjustment.read(request.form)
    ticked = {"whole": options.whole, "candidates": read_switch(request.form, "candidates")}
    try:
        uploads = read_uploads(request)
    except RequestError as error:
        if error.code != "missing_field":
            raise
        return _home(wanted, adjustment, missing=True, **ticked), 422
    results = judge_all(service(), uploads, models, options, adjustment, candidates=ticked["candidates"])
    if request.headers.get("X-Part") == "results":
        return render_template(
            "results.html", results=results, adjustment=adjustment, asked=models, **ticked, **_helpers()
        )
    return _home(wanted, adjustment, results=results, asked=models, **ticked)


def _home(wanted: list[str], adjustment: Adjustment, **more: object) -> str:
    return render_template(
        "home.html", models=service().askable(), wanted=wanted, adjustment=adjustment, **_helpers(), **more
    )


def _helpers() -> dict[str, object]:
    return {"sorted_probabilities": sorted_probabilities, "reasons": reasons}


@blueprint.get("/how")
def how() -> str:
    described = {entry["name"]: entry for entry in service().described()}
    return render_template(
        "how.html", numbers=range(1, _SHOWN_EIGENFACES + 1), plain=described.get(PLAIN), best=described.get("gender")
    )


@blueprint.get("/camera")
def camera() -> str:
    models = service().askable()
    classes = {model["name"]: model["classes"] for model in models}
    return render_template("camera.html", models=models, classes=classes, wanted=[service().default])


@blueprint.get("/films")
def films() -> str:
    return _films([service().default], deleted=bool(request.args.get("deleted")))


@blueprint.post("/films")
def send_film() -> BaseResponse | tuple[str, int]:
    wanted = request.form.getlist("task") or [service().default]
    models, options = service().models(",".join(wanted)), read_options(request.form)
    try:
        film, name = read_film(request)
    except RequestError as error:
        if error.code != "missing_field":
            raise
        return _films(wanted, missing=True), 422
    state = service().films.submit(film, name, models, options, blur=read_switch(request.form, "blur"))
    return redirect(f"/films/{state['id']}", 303)


@blueprint.get("/films/<token>")
def film(token: str) -> str:
    return render_template("film.html", film=service().films.state(token), **_TIMES)


@blueprint.post("/films/<token>/delete")
def delete_film(token: str) -> BaseResponse:
    service().films.delete(token)
    return redirect("/films?deleted=1", 303)


def _films(wanted: list[str], **more: object) -> str:
    return render_template(
        "films.html",
        models=service().askable(),
        wanted=wanted,
        absent=service().films.missing(),
        most_bytes=MAX_FILM_BYTES,
        most_minutes=MAX_FILM_SECONDS // 60,
        **_TIMES,
        **more,
    )


@blueprint.get("/api")
def api() -> str:
    return render_template("api.html", address=request.host_url.rstrip("/"), models=service().described())


@blueprint.get("/models/<name>")
def model(name: str) -> str:
    loaded = service().model(name)
    return render_template("model.html", model=loaded, card=card_html(loaded.card or "This model has no card."))


@blueprint.get("/faces/<name>/<int:number>.png")
def eigenface(name: str, number: int) -> Response:
    data = space_png(number) if name == "space" else eigenface_png(service().model(name), number)
    if data is None:
        abort(404)
    return Response(data, mimetype="image/png", headers={"Cache-Control": "max-age=86400"})
