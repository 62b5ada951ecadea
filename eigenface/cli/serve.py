"""`eigenface serve`."""

from __future__ import annotations

import click


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--model", "files", multiple=True, metavar="FILE", help="A saved model to serve beside the shipped ones.")
@click.option("--trust", is_flag=True, help="Read .joblib models, which runs the code in them.")
def command(host: str, port: int, files: tuple[str, ...], trust: bool) -> None:
    """Serve the page and the REST API. Pictures stay in memory and on this machine; nothing is stored."""
    from eigenface.store import load_model
    from eigenface.webapp.server import serve

    serve(host=host, port=port, models=[load_model(file, trust=trust) for file in files])
