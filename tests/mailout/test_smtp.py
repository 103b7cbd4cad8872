"""One worker's connection against a scripted relay: what each answer means, and when the connection is used again."""

import asyncio
from collections.abc import Iterable
from socket import AF_INET, SOCK_STREAM, socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mailout.outcome import Delivered, Later, Never, Outcome, one_line
from maild.mailout.relay import transport_for
from maild.mailout.smtp import on_the_wire
from tests.servers import free_port
from tests.smtpsink import HANG_UP, Phase, SmtpSink

SENDER, IVAN = "billing+b1@desk.example", "ivan@customer.example"
LETTER = b"Subject: hello\r\nMessage-ID: <1@desk.example>\r\n\r\n.leading dot\r\n..two\r\nend\r\n"


def deliver(url: str, count: int = 1, to: Iterable[str] = (), data: bytes = LETTER) -> list[Outcome]:
    """Letters one after the other over one transport."""

    async def run() -> list[Outcome]:
        transport = transport_for(url, hostname="desk.example")()
        try:
            return [await transport.deliver(SENDER, each, data) for each in tuple(to) or (IVAN,) * count]
        finally:
            await transport.close()

    return asyncio.run(run())


def test_a_letter_arrives_byte_for_byte_with_its_envelope(sink: SmtpSink) -> None:
    assert deliver(sink.url) == [Delivered("250 2.0.0 taken")]
    (letter,) = sink.letters
    assert (letter.mail_from, letter.rcpt_tos, letter.content) == (SENDER, (IVAN,), LETTER)


@pytest.mark.parametrize("reply", ["250 2.0.0 ok", "252 2.0.0 taken, I think"])
def test_any_2yz_after_the_dot_is_delivered(sink: SmtpSink, reply: str) -> None:
    sink.answer("dot", reply)
    assert deliver(sink.url) == [Delivered(reply)]


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=12).map(b"".join))
def test_nothing_in_a_letter_can_end_it_early(data: bytes) -> None:
    wire = on_the_wire(data)
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    assert not any(end in line for line in lines for end in (b"\r", b"\n"))
    unstuffed = b"".join(line.removeprefix(b".") + b"\n" for line in lines[:-2])
    assert unstuffed.rstrip(b"\n") == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")


def test_several_letters_share_a_connection(sink: SmtpSink) -> None:
    outcomes = deliver(sink.url, 20)
    assert outcomes == [Delivered("250 2.0.0 taken")] * 20
    assert sink.connections == 1


def test_a_connection_carries_a_hundred_letters_and_no_more(sink: SmtpSink) -> None:
    deliver(sink.url, 100)
    assert sink.connections == 1
    deliver(sink.url, 101)
    assert sink.connections == 3
    assert len(sink.letters) == 201


OF_THE_LETTER: tuple[Phase, ...] = ("mail", "rcpt", "data", "dot")


@pytest.mark.parametrize("phase", OF_THE_LETTER)
def test_a_4yz_means_later_and_the_connection_stays(sink: SmtpSink, phase: Phase) -> None:
    sink.answer(phase, "451 4.7.1 try again", times=1)
    assert deliver(sink.url, 2) == [Later("451 4.7.1 try again"), Delivered("250 2.0.0 taken")]
    assert sink.connections == 1


@pytest.mark.parametrize("phase", OF_THE_LETTER)
def test_a_5yz_for_the_letter_means_never_and_the_connection_stays(sink: SmtpSink, phase: Phase) -> None:
    sink.answer(phase, "550-5.1.1 no such\r\n550 5.1.1 mailbox", times=1)
    assert deliver(sink.url, 2) == [Never("550 5.1.1 no such 5.1.1 mailbox"), Delivered("250 2.0.0 taken")]
    assert sink.connections == 1


def test_a_refusal_of_one_recipient_says_nothing_of_another(sink: SmtpSink) -> None:
    sink.answer("rcpt", "550 5.1.1 unknown", to="gone@customer.example")
    outcomes = deliver(sink.url, to=[IVAN, "gone@customer.example", IVAN])
    assert [type(outcome) for outcome in outcomes] == [Delivered, Never, Delivered]


@pytest.mark.parametrize("phase", OF_THE_LETTER)
def test_a_421_means_later_and_a_new_connection(sink: SmtpSink, phase: Phase) -> None:
    sink.answer(phase, "421 4.3.2 closing", times=1)
    assert deliver(sink.url, 2) == [Later("421 4.3.2 closing"), Delivered("250 2.0.0 taken")]
    assert sink.connections == 2


@pytest.mark.parametrize("phase", OF_THE_LETTER)
def test_a_lost_connection_means_later_and_a_new_one(sink: SmtpSink, phase: Phase) -> None:
    sink.answer(phase, HANG_UP, times=1)
    first, second = deliver(sink.url, 2)
    assert isinstance(first, Later)
    assert not first.is_relay_down
    assert first.reply.startswith("connection lost")
    assert isinstance(second, Delivered)
    assert sink.connections == 2


@pytest.mark.parametrize("reply", ["hello there", "999 what", "250 go on"])
def test_nonsense_means_later_and_a_new_connection(sink: SmtpSink, reply: str) -> None:
    sink.answer("data", reply, times=1)
    first, second = deliver(sink.url, 2)
    assert isinstance(first, Later)
    assert isinstance(second, Delivered)
    assert sink.connections == 2


@pytest.mark.parametrize("phase", ["connect", "ehlo"])
@pytest.mark.parametrize("reply", ["554 5.7.1 go away", "421 4.3.2 too many", HANG_UP])
def test_a_relay_that_refuses_us_is_down_whatever_its_code(sink: SmtpSink, phase: Phase, reply: str) -> None:
    sink.answer(phase, reply, times=2)  # EHLO and HELO
    (outcome,) = deliver(sink.url)
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down
    assert outcome.reply.startswith(reply[:3])


def test_a_relay_that_wants_a_login_first_is_down(sink: SmtpSink) -> None:
    sink.answer("mail", "530 5.7.0 Authentication required")
    assert deliver(sink.url) == [Later("530 5.7.0 Authentication required", is_relay_down=True)]


def test_a_relay_nobody_runs_is_down() -> None:
    (outcome,) = deliver(f"smtp://127.0.0.1:{free_port()}")
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down


def test_a_relay_that_went_away_between_two_letters_is_connected_to_again() -> None:
    async def run() -> list[Outcome]:
        with SmtpSink() as sink:
            transport = transport_for(sink.url)()
            first = await transport.deliver(SENDER, IVAN, LETTER)
            sink.stop()
            sink.start()
            second = await transport.deliver(SENDER, IVAN, LETTER)
            await transport.close()
            third = await transport.deliver(SENDER, IVAN, LETTER)
            await transport.close()
            await transport.close()
        return [first, second, third]

    assert [type(outcome) for outcome in asyncio.run(run())] == [Delivered] * 3


def test_a_letter_cut_short_by_the_end_of_the_program_leaves_the_connection(sink: SmtpSink) -> None:
    async def run() -> Outcome:
        transport = transport_for(sink.url)()
        sink.slow("dot", 5, times=1)
        delivery = asyncio.create_task(transport.deliver(SENDER, IVAN, LETTER))
        await asyncio.wait([delivery], timeout=0.3)
        delivery.cancel()
        await asyncio.wait([delivery])
        assert delivery.cancelled()
        outcome = await transport.deliver(SENDER, IVAN, LETTER)
        await transport.close()
        return outcome

    assert isinstance(asyncio.run(run()), Delivered)
    assert sink.connections == 2


def test_addresses_outside_ascii_need_a_relay_that_takes_them(sink: SmtpSink) -> None:
    assert deliver(sink.url, to=["иван@пример.example"]) == [Delivered("250 2.0.0 taken")]
    sink.answer("ehlo", "250-sink.example\r\n250 8BITMIME")
    (outcome,) = deliver(sink.url, to=["иван@пример.example"])
    assert isinstance(outcome, Never)
    assert deliver(sink.url) == [Delivered("250 2.0.0 taken")]


def options_sent(to: str, data: bytes) -> list[str]:
    """The parameters of MAIL that a relay with all extensions gets to see."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250-hi\r\n250-SIZE 1000\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n")
        seen.extend((await reader.readline()).decode().split()[2:])
        writer.write(b"552 5.3.4 too big\r\n")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        transport = transport_for(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")()
        assert isinstance(await transport.deliver(SENDER, to, data), Never)
        await transport.close()
        server.close()

    seen: list[str] = []
    asyncio.run(run())
    return seen


def test_the_size_is_announced_and_smtputf8_only_where_it_is_needed() -> None:
    assert options_sent(IVAN, b"x" * 1000) == ["SIZE=1000"]
    assert options_sent("иван@пример.example", b"x") == ["SMTPUTF8", "BODY=8BITMIME", "SIZE=1"]


def test_a_letter_larger_than_the_relay_takes_is_not_even_offered(sink: SmtpSink) -> None:
    sink.answer("ehlo", "250-sink.example\r\n250 SIZE 100")
    small, large = b"Subject: a\r\n\r\n", b"Subject: a\r\n\r\n" + b"x" * 100 + b"\r\n"

    async def run() -> list[Outcome]:
        transport = transport_for(sink.url)()
        outcomes = [await transport.deliver(SENDER, IVAN, each) for each in (large, small)]
        await transport.close()
        return outcomes

    refused, taken = asyncio.run(run())
    assert refused == Never(
        "552 5.3.4 the relay takes 100 octets at most and this letter has 116: set outbound.max_size", is_unseen=True
    )
    assert isinstance(taken, Delivered)


@pytest.mark.parametrize("said", ["SIZE 0", "SIZE", "SIZE what"])
def test_a_relay_that_names_no_limit_is_tried(sink: SmtpSink, said: str) -> None:
    sink.answer("ehlo", f"250-sink.example\r\n250 {said}")
    assert deliver(sink.url) == [Delivered("250 2.0.0 taken")]


def test_a_relay_of_old_that_knows_no_ehlo_gets_its_letters(sink: SmtpSink) -> None:
    sink.answer("ehlo", "502 5.5.1 what is EHLO?", times=1)
    assert deliver(sink.url, 2) == [Delivered("250 2.0.0 taken")] * 2
    assert sink.letters[0].content == LETTER


def test_a_relay_that_says_nothing_does_not_hold_us_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.mailout.smtp._ATTEMPT", 0.2)
    with socket(AF_INET, SOCK_STREAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        (outcome,) = deliver(f"smtp://127.0.0.1:{silent.getsockname()[1]}")
    assert outcome == Later("the relay took too long")


def test_replies_become_one_short_line_of_characters() -> None:
    assert one_line("550 a\r\n\tb\x00c\x85\u2028d \udcff") == "550 a b c d ?"
    assert len(one_line("x" * 1000)) == 300


@pytest.mark.parametrize("url", ["", "maildir:", "smtp://", "smtp://host", "http://host:80", "host:25"])
def test_anything_else_is_no_relay(url: str) -> None:
    with pytest.raises(ValueError, match="not a relay"):
        transport_for(url)
