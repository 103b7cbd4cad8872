"""Is it only a thank-you? Such a reply must not reopen a solved ticket (SPEC section 7, footnote 1).

Every word must be a known word of thanks, praise or farewell or a person's name (Russian, Ukrainian, English), at least
one of them a thanks or an "it works"; any other word, a question mark, a digit or a "but" makes it a message like any
other. A bare «ок» is no thanks: it may answer what support has asked.
"""

import re

_MAX_LENGTH = 200
_MAX_WORDS = 14
_WORD = re.compile(r"[^\W\d_]+(?:['’\u02bc-][^\W\d_]+)*")
_OBSTACLE = re.compile(r"[?\d]|https?:|@")
_FLOWERS = re.compile("[🙏💐🌹❤🌷🌺🤝]")  # thanks without words
_PICTURE = re.compile("[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff\\s.,!)(:;-]+")

_THANKS = frozenset(
    # Russian, also as it is typed
    "спасибо спасибочки спасибки спасиб спс спсб пасиб пасибо пасибки спосибо спасиба благодарю благодарим благодарен "
    "благодарна благодарны благодарствую благодарность признателен признательна признательны сенкс сенькс "
    # Ukrainian
    "дякую дякуємо дяки спасибі вдячний вдячна вдячні дякс "
    # English
    "thanks thank thx thnx thanx thankyou ty tysm tnx cheers appreciated appreciate grateful thankful".split()
)
_SOLVED = frozenset(
    "заработало заработала заработал заработали работает работают починилось починили решено решена решён решен решили "
    "решилось решилась решился помогло помогли исправлено исправили исправилось получилось разобрался разобралась "
    "разобрались наладилось восстановилось "
    "запрацювало запрацював запрацювала працює працюють вирішено вирішена вирішилось вирішилася допомогло допомогли "
    "вийшло розібрався розібралась розібралися виправлено виправили "
    "works worked working solved fixed resolved helped perfect sorted".split()
)
_FILLERS = frozenset(
    # Russian
    "большое огромное огромнейшее преогромное громадное вам тебе вас за помощь ответ поддержку быстрый оперативный "
    "быструю оперативную скорый скорую подробный подробную развёрнутый развернутый терпение внимание понимание работу "
    "работы оперативность отзывчивость содействие участие решение разъяснение разъяснения пояснение пояснения "
    "консультацию информацию сотрудничество обратную скорость качественную вежливость связь связи ваш ваша ваше ваши "
    "вашу вашей вашего всем всей всю всё все теперь сейчас уже у меня нас мне нам и очень да ок окей хорошо отлично "
    "отличная отличный отличную отличной супер класс классно круто прекрасно прекрасная замечательно превосходно "
    "шикарно "
    "понял поняла поняли понятно принято получили получил получила ясно больше с уважением наилучшими пожеланиями "
    "хорошего доброго дня дню вечера недели выходных удачи успехов добрый день здравствуйте привет вечер утро доброе "
    "команде команда ребята коллеги друзья девушки искренне заранее всего до свидания вы лучшие молодцы сильно это так "
    "как нужно надо служба службе техподдержка техподдержке поддержке сервис еще ещё раз именно в порядке норме рад "
    "рада "
    "самого наилучшего душевно то что быстро оперативно "
    # Ukrainian
    "велике щире щиро дуже вам тобі допомогу відповідь підтримку швидку швидкий оперативну оперативність усе всі тепер "
    "зараз вже мені добре гаразд чудово супер зрозуміло прийнято більше гарного гарних вихідних дня з повагою доброго "
    "вітаю та і ще за вашу роботу розуміння терпіння увагу всім команді "
    # English
    "you u very much so a lot many million bunch ton for the your help helping quick fast prompt swift kind reply "
    "answer "
    "response support assistance service patience time effort it is all good great excellent awesome amazing now "
    "everything fine well ok okay got understood and i we my our that this best regards kind warm have nice day "
    "weekend evening one hi hello dear team guys everyone really that's it's i'm we're of was to just what like charm "
    "as "
    "expected indeed wonderful super in advance sincerely yours brilliant lovely yes always did trick again cool sir "
    "madam folks problem-free so deeply truly highly rock are quickly".split()
)
_TROUBLE = frozenset(
    "проблема проблему проблемы вопрос вопросы питання проблеми problem issue question ticket problems issues "
    "questions "
    "опять снова знову знов again".split()
)
_DENIALS = frozenset("не ни но однако хотя пока нет немає нема але проте however but not no still yet although".split())
_HARMLESS_DENIALS = re.compile(
    r"\b(?:(?:больше\s+)?(?:вопросов|проблем)\s+(?:больше\s+)?(?:нет|не\s+имею|не\s+осталось)"
    r"|больше\s+(?:вопросов|проблем)\s+нет|(?:больше\s+)?нет\s+(?:больше\s+)?(?:вопросов|проблем)|вопросов\s+не\s+имею"
    r"|(?:більше\s+)?питань\s+(?:більше\s+)?нема(?:є)?|no\s+(?:more|further|other)\s+(?:questions|issues|problems)"
    r"|no\s+worries)\b"
)
_DOUBTS = re.compile(r"\b(?:is|was|are|have|has|did|do|does)\s+(?:it|this|that|you|everything|all|the)\b")
_CALLS = re.compile(r"(?<!your )(?<!the )(?<!for )(?<!all )(?<!kind )(?<!quick )(?<!great )(?<!prompt )\bhelp\b")
_SAYS_SO = re.compile(r"\b(?:it|this|that|what|which|as|all|everything|you)\s+(?:is|was|are|did)\b")
_NAMES = frozenset(
    "александр александра алексей алёна алена алина алиса алла анастасия анатолий андрей анна аня антон арина артём "
    "артем "
    "богдан борис вадим валентин валентина валерий валерия василий василиса вера вероника виктор виктория виталий "
    "владимир владислав вячеслав галина геннадий георгий глеб григорий дарья даша денис диана дмитрий дима евгений "
    "евгения егор екатерина катя елена лена елизавета лиза зоя иван ваня игорь илья инна ирина ира кирилл ксения "
    "лариса "
    "лев леонид лидия любовь людмила максим маргарита марина мария маша михаил миша надежда наталья наталия наташа "
    "нина "
    "никита николай коля оксана олег олеся ольга оля павел паша пётр петр полина раиса регина роман руслан светлана "
    "света "
    "семён семен сергей серёжа софья софия станислав степан тамара татьяна таня тимофей тимур ульяна фёдор федор элина "
    "эльвира юлия юля юрий яна ярослав "
    "олександр олександра олексій андрій ганна володимир дмитро євген євгенія олена катерина ірина ігор кирило ксенія "
    "микола михайло наталія надія олеся оксана павло петро сергій світлана тетяна юлія юрій тарас богдана остап "
    "john jane mary michael mike david dave james jim robert rob bob william bill richard thomas tom charles chris "
    "christopher daniel dan matthew matt anthony mark paul steven steve andrew andy joshua kevin brian george edward "
    "jason jeff ryan jacob gary nick nicholas eric jonathan justin scott brandon ben benjamin sam samuel alex peter "
    "sarah "
    "sara emma emily olivia anna laura lisa linda susan karen nancy betty helen sandra ashley kate katie kim kelly "
    "julia "
    "alice maria rachel amy anne diana victoria max martin adam simon ann rick".split()
)


def is_courtesy(words: str, has_attachments: bool) -> bool:
    """Do these new words say nothing but thanks? Never when something is attached."""
    text = words.strip()
    if has_attachments or not text or len(text) > _MAX_LENGTH or _OBSTACLE.search(text):
        return False
    if _PICTURE.fullmatch(text):
        return _FLOWERS.search(text) is not None
    lowered = _HARMLESS_DENIALS.sub(" ", text.lower())
    found = _WORD.findall(lowered)
    if not 0 < len(found) <= _MAX_WORDS or not _DENIALS.isdisjoint(found) or _doubts(lowered):
        return False
    rest = [word for word in found if not _is_polite(word)]
    return _says_thanks(found) and not _tells_of_trouble(found) and (not rest or _are_names(text, rest))


def _says_thanks(found: list[str]) -> bool:
    return any(word in _THANKS or word in _SOLVED for word in found)


def _doubts(text: str) -> bool:
    """A question without its mark ("is it fixed"), what was once so ("it was working"), or a call for help."""
    return any((_DOUBTS.search(_SAYS_SO.sub(" ", text)), _CALLS.search(text), "was working" in text))


def _tells_of_trouble(found: list[str]) -> bool:
    """«Спасибо, снова проблема»: such words are harmless only beside "solved" or in "thanks again"."""
    troubles = [word for word in found if word in _TROUBLE]
    is_solved = any(word in _SOLVED for word in found)
    return bool(troubles) and not is_solved and troubles != ["again"]


def _is_polite(word: str) -> bool:
    return word in _THANKS or word in _SOLVED or word in _FILLERS or word in _TROUBLE


def _are_names(text: str, rest: list[str]) -> bool:
    """Are the words that are left a person's name, one in the mail: «Анна», «Иван Петрович Сидоров»?"""
    if len(rest) > 3 or not any(word in _NAMES for word in rest):
        return False
    name = r"[^\S\n]+".join(re.escape(word) for word in rest)
    match = re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE)
    return match is not None and all(word[:1].isupper() for word in match[0].split())
