"""`maild templates preview`: every letter in every language as files to look at, without a desk or a ticket."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path

import click

from maild.core.letter import FOR_TEAM, Letter
from maild.mime.cases import FULL, cases
from maild.mime.compose import Outgoing, compose
from maild.mime.render import Rendered, Renderer, templates_dir

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letters of maild</title>
<style>:root { color-scheme: light dark } body { font: 15px/1.5 sans-serif }
td, th { padding: 2px 10px; text-align: left }</style>
<h1>Letters of maild</h1>
<table><tr><th>Language<th>Letter<th>Case<th>Subject<th>Files"""
_DATE = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--language", "languages", multiple=True, help="Only this language (may be repeated); all otherwise.")
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The templates to look at; those maild comes with otherwise.",
)
def preview(directory: Path, languages: tuple[str, ...], templates: Path | None) -> None:
    """Write every letter, in every case it has, as .eml, .html and .txt to DIR, with an index.html."""
    renderer = Renderer(templates or templates_dir())
    chosen = languages or renderer.languages
    if problems := renderer.check(chosen):
        raise click.ClickException("\n".join(problems))
    directory.mkdir(parents=True, exist_ok=True)
    rows = [
        _write(directory, renderer, letter, language, case)
        for language in chosen
        for letter in Letter
        for case in cases(letter, language)
    ]
    (directory / "index.html").write_text("\n".join([_HEAD, *rows, "</table>\n"]), encoding="utf-8")
    click.echo(f"{len(rows)} letters: {directory / 'index.html'}")


def _write(directory: Path, renderer: Renderer, letter: Letter, language: str, case: str) -> str:
    """The three files of one letter; the result is its row of the index."""
    rendered = renderer.letter(letter, language, cases(letter, language)[case])
    name = f"{language}-{letter}" if case == FULL else f"{language}-{letter}-{case}"
    (directory / f"{name}.txt").write_text(rendered.text, encoding="utf-8")
    (directory / f"{name}.html").write_text(rendered.html, encoding="utf-8")
    (directory / f"{name}.eml").write_bytes(compose(_outgoing(name, letter, rendered)))
    links = " ".join(f'<a href="{name}{suffix}">{suffix[1:]}</a>' for suffix in (".html", ".txt", ".eml"))
    subject = f'<td lang="{language}">{escape(rendered.subject)}'
    return f"<tr><td>{language}<td>{letter}<td>{'' if case == FULL else case}{subject}<td>{links}"


def _outgoing(name: str, letter: Letter, rendered: Rendered) -> Outgoing:
    to = "billing-team@kaktus.example" if letter in FOR_TEAM else "customer@firma.example"
    return Outgoing(
        from_name="maild",
        from_address="billing@kaktus.example",
        to_name="",
        to_address=to,
        reply_to="billing+t1042.k7wq3n5x@kaktus.example",
        subject=rendered.subject,
        date=_DATE,
        message_id=f"preview.{name}@kaktus.example",
        references=(),
        text=rendered.text,
        html=rendered.html,
        auto_submitted="" if letter is Letter.ANSWER else "auto-generated",
    )
