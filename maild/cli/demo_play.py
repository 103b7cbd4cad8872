"""The conversation that `maild demo` plays: one question's whole life, told in the words of its letters."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

import click

from maild.cli.demo_people import DOMAIN, Letters, Person, links_in, open_page, press_button, text_of
from maild.core.ticket import Status
from maild.desk.clock import close_due
from maild.desk.desk import Desk
from maild.store.tickets import tickets_by_number

_CATEGORY = f"billing@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: a running desk, its clock, its letters, and its SMTP door."""

    desk: Desk
    pass_time: Callable[[timedelta], None]
    letters: Letters
    smtp: tuple[str, int]


async def play(stage: Stage) -> None:
    """From the first question to the follow-up after the close. Raises AssertionError if the desk fails it."""
    ivan = Person("Иван Петров", "ivan@firma.test", stage.smtp)
    anna = Person("Анна Смирнова", f"anna@{DOMAIN}", stage.smtp)

    _step("Ivan writes to the address of a category", f"{ivan.address} → {_CATEGORY}")
    await ivan.write(
        _CATEGORY, "Не приходит счёт", "Здравствуйте!\n\nСчёт за ноябрь так и не пришёл. Подскажите, когда ждать?"
    )
    _show(await stage.letters.next(ivan.address), "acknowledgement")
    notice = await stage.letters.next(f"support@{DOMAIN}")
    _show(notice, "notification to the team")
    await _expect(stage, 1, Status.NEW)

    _step("Anna, an agent, answers the notification by a plain Reply")
    await anna.reply(notice, "Добрый день, Иван!\n\nПлатёж пришёл без номера договора. Пришлите, пожалуйста, номер.")
    answer = await stage.letters.next(ivan.address)
    _show(answer, "answer")
    await stage.letters.next(f"support@{DOMAIN}")  # a copy for her colleagues
    await _expect(stage, 1, Status.PENDING)

    _step("Ivan answers")
    await ivan.reply(answer, "Договор № 77-ОП.")
    notice = await stage.letters.next(f"support@{DOMAIN}")
    _show(notice, "new message to the team")
    await _expect(stage, 1, Status.OPEN)

    _step("Anna solves it: a line #решено, then her answer")
    solved = await _solve(stage, anna, notice, ivan, "#решено\nГотово, счёт отправлен повторно.")
    await _expect(stage, 1, Status.SOLVED)

    _step("A mail scanner opens both links: GET changes nothing")
    yes, no = links_in(solved)
    for link in (yes, no):
        await open_page(link)
    await _expect(stage, 1, Status.SOLVED)

    _step("Ivan presses «Проблема не решена, продолжить общение»", no)
    await press_button(no)
    notice = await stage.letters.next(f"support@{DOMAIN}")
    _show(notice, "reopened, to the team")
    await _expect(stage, 1, Status.OPEN)

    _step("Anna solves it again, Ivan presses «Спасибо, проблема решена»")
    solved = await _solve(stage, anna, notice, ivan, "#решено\nОтправили на второй ваш адрес, проверьте.")
    await press_button(links_in(solved)[0])
    await _expect(stage, 1, Status.SOLVED, is_confirmed=True)

    _step("48 hours pass (the demo moves its clock): the job closes the ticket for good")
    stage.pass_time(timedelta(hours=48, seconds=1))
    await close_due(stage.desk)
    _show(await stage.letters.next(ivan.address), "closed")
    await _expect(stage, 1, Status.CLOSED, is_confirmed=True)

    _step("Ivan writes once more: a new ticket, linked to the old one")
    await ivan.reply(solved, "А можно ещё и акт?")
    _show(await stage.letters.next(ivan.address), "follow-up")
    await _expect(stage, 2, Status.NEW)
    click.secho("\nThat was the whole life of a question: [#1] is closed, [#2] goes on.", bold=True)


async def _solve(stage: Stage, agent: Person, notice: EmailMessage, customer: Person, words: str) -> EmailMessage:
    await agent.reply(notice, words)
    solved = await stage.letters.next(customer.address)
    _show(solved, "solved")
    await stage.letters.next(f"support@{DOMAIN}")
    return solved


async def _expect(stage: Stage, number: int, status: Status, *, is_confirmed: bool = False) -> None:
    """The status as the database has it; the demo does not go on with a wrong one."""
    for _ in range(100):
        found = (await stage.desk.store.read(tickets_by_number, [number])).get(number)
        if found and found.status is status and (found.confirmed_at is not None) is is_confirmed:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(f"ticket {number} is not {status}")
    words = stage.desk.renderer.status_word(status, stage.desk.policy.language)
    remark = ", confirmed by the customer" if is_confirmed else ""
    click.secho(f"   [#{number}] {status.value} «{words}»{remark}", fg="green")


def _step(title: str, detail: str = "") -> None:
    click.secho(f"\n● {title}", bold=True)
    if detail:
        click.echo(f"   {detail}")


def _show(letter: EmailMessage, what: str) -> None:
    """A letter in short: who, to whom, subject, the words above our marker, its links."""
    words = text_of(letter).partition("=-=-=")[0].strip()
    click.secho(f"   ✉ {what}: {letter['From']} → {letter['To']}", fg="cyan")
    click.echo(f"     {letter['Subject']}")
    for line in words.splitlines():
        click.echo(f"     │ {line}")
