"""What agents and customers type (SPEC section 8): nothing that might be a command reaches a customer as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.commands import Command, Typed, Wish, read_commands, read_wish, without_wish
from maild.core.words import Word

WORDS = {
    "solved": "решено",
    "ask": "вопрос",
    "note": "заметка",
    "open": "открыть",
    "assign": "назначить",
    "move": "переместить",
    "merge": "объединить",
    "tag": "метка",
    "priority": "приоритет",
    "customer": "клиент",
    "cc": "копия",
    "macro": "шаблон",
    "snooze": "отложить",
    "spam": "спам",
}
BARE = ("solved", "ask", "open", "spam")


def test_every_command_has_a_russian_and_an_english_name() -> None:
    assert {word.value for word in Word} == set(WORDS)


@pytest.mark.parametrize(("english", "russian"), WORDS.items())
def test_a_command_at_the_top_is_taken_in_both_languages_and_any_case(english: str, russian: str) -> None:
    argument = "" if english in BARE else "x"
    for name in (english, russian, english.upper(), russian.title()):
        typed = read_commands(f"#{name} {argument}\nСпасибо.")
        if english == "note":
            assert typed == Typed((), "", "x\nСпасибо.", ())
        else:
            assert typed == Typed((Command(Word(english), argument),), "Спасибо.", None, ())


@pytest.mark.parametrize(
    "line",
    ["  #solved", "#solved\t", "\u00a0#solved\u00a0", "\u200b#solved", "\ufeff#solved", "#solved\r"],
)
def test_blanks_and_invisible_characters_around_a_command_do_not_matter(line: str) -> None:
    assert read_commands(f"\n{line}\n\nГотово.").commands == (Command(Word.SOLVED, ""),)


@pytest.mark.parametrize("gap", [" ", "\t", "\u00a0", "\u00a0 "])
def test_a_note_stays_inside_whatever_blank_the_mail_program_puts_behind_it(gap: str) -> None:
    assert read_commands(f"#note{gap}secret\nmore") == Typed((), "", "secret\nmore", ())


def test_several_commands_stand_above_the_words() -> None:
    typed = read_commands("#assign anna@office.example\n#tag +a -b\n\n#solved\n\nГотово.\n\nАнна")
    assert [command.word for command in typed.commands] == [Word.ASSIGN, Word.TAG, Word.SOLVED]
    assert typed.commands[1].argument == "+a -b"
    assert typed.words == "Готово.\n\nАнна"
    assert typed.has(Word.SOLVED)
    assert not typed.has(Word.OPEN)


def test_a_note_counts_on_any_line_and_takes_everything_after_it() -> None:
    typed = read_commands("Готово.\n#note позвонить\n#solved\n# ещё")
    assert typed == Typed((), "Готово.", "позвонить\n#solved\n# ещё", ())


def test_a_note_without_words_is_a_note_all_the_same() -> None:
    assert read_commands("#note").note == ""
    assert read_commands("Готово.").note is None


@pytest.mark.parametrize(
    "line",
    ["# Title", "#1", "#1042", "#!/bin/sh", "##solved", "#", "C#", "a #solved", "#solved-2", "#x_y"],
)  # fmt: skip
def test_other_lines_with_a_hash_are_text(line: str) -> None:
    for text in (line, f"Здравствуйте.\n{line}"):
        typed = read_commands(text)
        assert (typed.commands, typed.unclear, typed.words) == ((), (), text)


@pytest.mark.parametrize(
    "text",
    [
        "#solvd\nГотово.",  # unknown at the top
        "#include <stdio.h>\nint main",
        "Готово.\n#solved",  # known below the first words
        "Готово.\n\n#assign anna@office.example",
        "#solved thanks",  # words that it does not take
        "#note: secret",  # nearly a command
        "Готово.\n#note: secret",
        "#solved.\nГотово.",
        "#решено!",
        "\u200b#заметка; секрет",
    ],
)
def test_what_makes_relaying_unsafe_is_unclear(text: str) -> None:
    assert read_commands(text).unclear


def test_an_unknown_word_below_the_first_words_is_text() -> None:
    typed = read_commands("Смотрите канал:\n#кактус\n#include <stdio.h>")
    assert (typed.unclear, typed.words) == ((), "Смотрите канал:\n#кактус\n#include <stdio.h>")


def test_code_is_never_a_command() -> None:
    text = "Так:\n```sh\n#solved\n#note x\n#open: y\n```\nи так."
    assert read_commands(text) == Typed((), text, None, ())
    assert read_commands("```\n#solved\n```\n#solved").unclear == ("#solved",)
    assert read_wish("```\n#solved\n```") is None


@given(st.text(alphabet="#solvednt решно`\n\t1!:\u00a0\u200b", max_size=60))
def test_every_line_is_a_command_a_note_unclear_or_text(text: str) -> None:
    typed = read_commands(text)
    if not typed.commands and not typed.unclear and typed.note is None:
        assert typed.words == "\n".join(text.splitlines()).strip("\n")
    for line in typed.words.splitlines():
        assert "```" in typed.words or line.strip(" \t\u00a0\u200b").lower() not in ("#solved", "#note", "#решено")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("#solved", Wish.SOLVED),
        ("#решено", Wish.SOLVED),
        ("  #РЕШЕНО\nспасибо", Wish.SOLVED),
        ("Спасибо!\n#solved", Wish.SOLVED),
        ("решено", Wish.SOLVED),
        ("Решено!", Wish.SOLVED),
        (" Solved. \n", Wish.SOLVED),
        ("#РЕШЕНО.", Wish.SOLVED),
        ("Спасибо, проблема решена", Wish.SOLVED),
        ("Thank you, the problem is\nsolved.", Wish.SOLVED),
        ("Проблема решена, но акта нет", None),
        ("Спасибо, проблема решена?", None),
        ("#continue", Wish.CONTINUE),
        ("Проблема не решена, продолжить общение.", Wish.CONTINUE),
        ("Проблема не решена", None),
        ("\u00a0#продолжить\u00a0", Wish.CONTINUE),
        ("Не работает\n#continue", Wish.CONTINUE),
        ("не решено", None),
        ("решено?", None),
        ("решено ли?", None),
        ("not solved", None),
        ("Вопрос решено закрыть?", None),
        ("#solved it", None),
        ("continue", None),
        ("", None),
    ],
)
def test_what_a_customer_asks_for_in_so_many_words(text: str, wish: Wish | None) -> None:
    assert read_wish(text) is wish


def test_the_words_beside_a_wish_are_what_is_left() -> None:
    for bare in ("#solved", "#продолжить.", "Проблема не решена, продолжить общение"):
        assert without_wish(bare) == ""
    assert without_wish("#continue\n\nне работает\n") == "не работает"


@pytest.mark.parametrize(
    "line",
    [
        "#заметки", "#заметку: …", "##note", "- #note", "• #note", "«#note»", "[#note]", "#note-так", "#note\u2014так",
        "\u202b#notes", "#no\u200btes", "(#заметка)", "_#note_",
    ],
)  # fmt: skip
def test_what_is_nearly_a_note_is_asked_about(line: str) -> None:
    assert read_commands(f"Ответ.\n{line}\nТайна").unclear
    assert "Тайна" not in read_commands(f"Ответ.\n{line}\nТайна", is_approved=True).words


@pytest.mark.parametrize("line", ["\u202b#note", "#no\u200bte", "\u2067#заметка\u2069", "#за\u00adметка"])
def test_marks_that_nobody_sees_hide_no_note(line: str) -> None:
    assert read_commands(f"Ответ.\n{line}\nТайна") == Typed((), "Ответ.", "Тайна", ())


@pytest.mark.parametrize(
    "line",
    [
        "# Note to self",
        "#open-source",
        "#tag/cloud",
        "`#note`",
        "C#note",
        "#noteworthy",
        "# Заметки",
        "# Заметки к релизу",
        "№5",
        "# open",
        "Пишите «#note»",
    ],
)
def test_what_is_text_stays_text(line: str) -> None:
    assert read_commands(f"Ответ.\n{line}") == Typed((), f"Ответ.\n{line}", None, ())


def test_a_customer_s_command_may_hold_marks_that_nobody_sees() -> None:
    assert read_wish("\u200e#реш\u00adено") is Wish.SOLVED


@pytest.mark.parametrize(
    "line",
    [
        "#nоte", "#NОТЕ: он", "«#замeтка»", "#зaмeткa он", "#3аметка", "#n0te", "#nóte", "＃note он", "№заметка он",
        "#тщеу он", "#pfvtnrf", "#zametka он", "# note", "# Заметка:", "# note он мутный", "# Note: он", "＃ заметка",
        "Готово. #note он мутный", "Готово #заметка", "Готово.#note: он", "Готово. №заметка он",
    ],
)  # fmt: skip
def test_what_may_be_meant_for_colleagues_is_asked_about(line: str) -> None:
    for above in ("", "Ответ.\n", "#solved\n"):
        assert read_commands(f"{above}{line}\nТайна").unclear == (line,)
        approved = read_commands(f"{above}{line}\nТайна", is_approved=True)
        assert "он" not in approved.words.split()
        assert "Тайна" not in approved.words
        assert "Тайна" in (approved.note or "")


def test_words_in_front_of_a_note_on_its_line_go_out_if_they_are_no_command() -> None:
    typed = read_commands("Готово. #note он\nмутный", is_approved=True)
    assert (typed.words, typed.note) == ("Готово.", "#note он\nмутный")
    assert read_commands("#tag +a #note он", is_approved=True).words == ""


@pytest.mark.parametrize("line", ["# solved", "# Решено", "# move tech", "# назначить anna@office.example", "#sоlved"])
def test_at_the_top_a_command_with_a_blank_or_foreign_letters_is_asked_about(line: str) -> None:
    assert read_commands(f"{line}\nГотово.").unclear == (line,)


@pytest.mark.parametrize("line", ["# Вопрос", "# Открыть счёт", "# Move to the cloud", "# Заметки к релизу", "# Title"])
def test_headings_at_the_top_are_text(line: str) -> None:
    assert read_commands(f"{line}\nГотово.") == Typed((), f"{line}\nГотово.", None, ())
