"""A desk with one solved ticket, and its action pages on a loopback port."""

import asyncio
import re
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from maild.core.mail import Mailbox
from maild.core.tokens import Action, Claim, action_token
from maild.desk.act import open_towards, speak
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.mime.render import templates_dir
from maild.store import tickets
from maild.web.app import web_app
from tests.factory import make_desk
from tests.web.clock import StillClock
from tests.web.serving import Client, listen, local_hosts, serving

CUSTOMER = Mailbox("Иван Петров", "ivan@firma.example")
NONCE = re.compile(r'<input type="hidden" name="nonce" value="([^"]+)">')

T = TypeVar("T")


def wait_for(act: Coroutine[Any, Any, T]) -> T:
    """What an act of the desk returns; in a thread, since the browser's driver has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(act)).result()


@dataclass(frozen=True)
class Pages:
    """The pages of a desk, and who looks at them."""

    desk: Desk
    clock: StillClock
    client: Client

    def open_ticket(self, subject: str = "Счёт <за> ноябрь") -> int:
        """A ticket that waits for its customer."""
        return wait_for(
            open_towards(
                self.desk, "cli:root@t", CUSTOMER, category="billing", topic="", subject=subject, words="Ваш счёт."
            )
        )

    def solved_ticket(self) -> int:
        number = self.open_ticket()
        wait_for(speak(self.desk, number, "cli:root@t", solves=True))
        return number

    def link(self, number: int, action: Action, person: str = CUSTOMER.address) -> str:
        return f"/a/{action_token(self.desk.keys, Claim(number, person, action))}"

    def nonce(self, link: str) -> str:
        found = NONCE.search(self.client.get(link).text)
        assert found, "no form on this page"
        return found[1]

    def status(self, number: int) -> str:
        return self.desk.store.read_now(tickets.tickets_by_number, [number])[number].status.value

    def events(self, number: int) -> list[tuple[str, str, str, str]]:
        return self.desk.store.read_now(
            lambda tx: tx.all("SELECT event, who, via, reason FROM events WHERE ticket = ? ORDER BY id", number)
        )


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def desk(tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with make_desk(tmp_path, now=clock) as made:
        yield made


@pytest.fixture
def pages(desk: Desk, clock: StillClock) -> Iterator[Pages]:
    bound = listen()
    client = Client(bound.getsockname()[1])
    with serving(web_app(desk, local_hosts(bound), templates_dir() / "static"), bound):
        yield Pages(desk, clock, client)


@pytest.fixture
def portal(pages: Pages) -> Iterator[Pages]:
    """The pages of a desk whose letters can carry links, and whose worker understands what comes in."""
    pages.desk.policy = replace(pages.desk.policy, public_url=f"http://127.0.0.1:{pages.client.port}")
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.01):
            asyncio.run(receive_waiting(pages.desk))

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    yield pages
    is_over.set()
    worker.join(60)
