"""`eigenface serve`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--model", "files", multiple=True, metavar="FILE", help="A saved model to serve beside the shipped ones.")
@click.option("--trust", is_flag=True, help="Read .joblib models, which runs the code in them.")
@click.option("--gallery", metavar="FILE", type=click.Path(path_type=Path), help="Let people be enrolled in that file.")
def command(host: str, port: int, files: tuple[str, ...], trust: bool, gallery: Path | None) -> None:
    """Serve the page and the REST API.

    Pictures stay in memory and on this machine. Nothing is stored but films, in temporary files for a while; with
    --gallery, of people enrolled there a name and some hundred numbers a picture. Whoever reaches the server can list,
    enrol and forget them.
    """
    from eigenface.store import load_model
    from eigenface.webapp.server import serve

    serve(host=host, port=port, models=[load_model(file, trust=trust) for file in files], gallery=gallery)
