"""The little Markdown that model cards use, as safe HTML: headings, paragraphs, lists, tables."""

from __future__ import annotations

from markupsafe import Markup, escape


def card_html(text: str) -> Markup:
    """HTML of a card; everything in it is escaped."""
    blocks = [block.strip("\n") for block in text.split("\n\n")]
    return Markup("\n").join(_block(block) for block in blocks if block.strip())


def _block(block: str) -> Markup:
    lines = block.splitlines()
    if block.startswith("#"):
        marks = len(block) - len(block.lstrip("#"))
        return Markup("<h{0}>{1}</h{0}>").format(min(marks, 4), block[marks:].strip())
    if all(line.startswith("- ") for line in lines):
        items = Markup("").join(Markup("<li>{}</li>").format(line[2:]) for line in lines)
        return Markup("<ul>{}</ul>").format(items)
    if lines[0].startswith("|"):
        return _table([[cell.strip() for cell in line.strip("|").split("|")] for line in lines])
    return Markup("<p>{}</p>").format(escape(" ".join(lines)))


def _table(rows: list[list[str]]) -> Markup:
    def row(cells: list[str], tag: str) -> Markup:
        inner = Markup("").join(Markup("<{0}>{1}</{0}>").format(tag, cell) for cell in cells)
        return Markup("<tr>{}</tr>").format(inner)

    body = Markup("").join(row(cells, "td") for cells in rows[2:])
    return Markup('<div class="wide"><table><thead>{}</thead><tbody>{}</tbody></table></div>').format(
        row(rows[0], "th"), body
    )
