"""The installed package serves its page, static files and models included."""

from __future__ import annotations

from eigenface.webapp.app import create_app

client = create_app().test_client()
for path in (
    "/",
    "/how",
    "/camera",
    "/api",
    "/static/style.css",
    "/static/upload.js",
    "/static/camera.js",
    "/openapi.json",
):
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert answer.data, path
print("the page is whole")
