"""Is it only a thank-you? Such a reply must not reopen a solved ticket (SPEC section 7, footnote 1).

Every word must be a known word of thanks, praise or farewell (Russian, Ukrainian, English), at least one of them a
thanks or an "it works"; any other word, a question mark, a digit or a "but" makes it a message like any other.
"""

import re

_MAX_LENGTH = 200
_MAX_WORDS = 14
_WORD = re.compile(r"[^\W\d_]+(?:['’\u02bc][^\W\d_]+)*")
_OBSTACLE = re.compile(r"[?\d]|https?:|@")

_THANKS = frozenset(
    # Russian
    "спасибо спасибочки спс пасиб пасибо благодарю благодарим благодарен благодарна благодарствую признателен "
    "признательна признательны "
    # Ukrainian
    "дякую дякуємо дяки спасибі вдячний вдячна вдячні "
    # English
    "thanks thank thx thankyou ty tnx cheers appreciated appreciate grateful".split()
)
_SOLVED = frozenset(
    "заработало работает починилось решено решена решён решен решилось помогло исправлено получилось разобрался "
    "разобралась разобрались "
    "запрацювало працює вирішено допомогло вийшло розібрався розібралась "
    "works worked working solved fixed resolved helped perfect".split()
)
_FILLERS = frozenset(
    # Russian
    "большое огромное огромнейшее вам тебе вас за помощь ответ поддержку быстрый оперативный быструю оперативную "
    "скорый подробный развёрнутый развернутый терпение внимание понимание работу оперативность отзывчивость "
    "содействие всё все теперь сейчас уже у меня нас мне нам и очень да ок окей хорошо отлично супер класс круто "
    "прекрасно замечательно превосходно понял поняла поняли понятно принято ясно больше с уважением наилучшими "
    "пожеланиями хорошего доброго дня вечера недели выходных удачи добрый день здравствуйте привет вечер утро "
    "доброе команде команда ребята коллеги друзья искренне заранее всего до свидания вы лучшие молодцы сильно это "
    # Ukrainian
    "велике дуже вам тобі допомогу відповідь підтримку швидку швидкий оперативну усе всі тепер зараз вже "
    "мені добре чудово супер зрозуміло прийнято більше гарного дня вечора з повагою "
    "доброго вітаю та і "
    # English
    "you very much so a lot many for the your help quick fast prompt reply answer response support assistance it "
    "is all good great excellent awesome now everything fine well ok okay got understood and i we my our that "
    "this best regards kind warm have nice day hi hello dear team guys really that's it's "
    "of was to just what i like a charm as expected indeed wonderful super "
    "in advance sincerely yours everyone appreciated brilliant lovely".split()
)
_TROUBLE = frozenset(
    "проблема проблему проблемы вопрос вопросы питання проблеми problem issue question ticket "
    "опять снова знову знов again".split()
)
_DENIALS = frozenset("не ни но однако хотя пока нет немає але проте however but not no still yet".split())
_HARMLESS_DENIALS = re.compile(
    r"\b(?:(?:больше\s+)?(?:вопросов|проблем)\s+(?:больше\s+)?нет|больше\s+(?:вопросов|проблем)\s+нет"
    r"|питань\s+(?:більше\s+)?немає|no\s+(?:more|further)\s+questions)\b"
)


def is_courtesy(words: str, has_attachments: bool) -> bool:
    """Do these new words say nothing but thanks? Never when something is attached."""
    text = words.strip().lower()
    if has_attachments or not text or len(text) > _MAX_LENGTH or _OBSTACLE.search(text):
        return False
    found = _WORD.findall(_HARMLESS_DENIALS.sub(" ", text))
    if not 0 < len(found) <= _MAX_WORDS or any(word in _DENIALS for word in found):
        return False
    return _says_thanks(found) and all(_is_polite(word) for word in found) and not _tells_of_trouble(found)


def _says_thanks(found: list[str]) -> bool:
    return any(word in _THANKS or word in _SOLVED for word in found)


def _tells_of_trouble(found: list[str]) -> bool:
    """«Спасибо, снова проблема»: such words are harmless only beside "solved" or in "thanks again"."""
    troubles = [word for word in found if word in _TROUBLE]
    is_solved = any(word in _SOLVED for word in found)
    return bool(troubles) and not is_solved and troubles != ["again"]


def _is_polite(word: str) -> bool:
    return word in _THANKS or word in _SOLVED or word in _FILLERS or word in _TROUBLE
