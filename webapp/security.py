"""What keeps strangers' pages and strangers' frames away from this server."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from eigenface.errors import RequestError

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers post forms with `Origin: null`
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def protect(app: Flask) -> None:
    """Refuse posts that another site's page sends, and put the security headers on every answer."""

    @app.before_request
    def same_site_only() -> None:
        if request.method not in ("POST", "PUT", "DELETE", "PATCH"):
            return
        # A browser says whose page sends in Sec-Fetch-Site; over plain http, or an old one, in Origin alone.
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.host
        if site not in ("same-origin", "none") if site else foreign:
            raise RequestError("cross_site", "a page of another site sent this", "Use this server's own page.")

    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        # Answers show people: no cache keeps them. Files of the page may be kept.
        response.headers.setdefault("Cache-Control", "no-store")
        return response
