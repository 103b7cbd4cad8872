"""How machines say that a mail did not arrive: who writes so, in which subjects, in which words.

Wording only; what to make of it is decided in `kinds`. Languages: those in which common mail servers report.
"""

import re

from maild.mime.alternatives import alternatives, any_of

# Who reports: strong names are nobody's but a mail system's, weak ones are also signed by people (RFC 2142 §7).
_STRONG = any_of(
    r"""
    (?:mailer[-_. ]?da?emon|mail[-_.]?da?emon|mdaemon|mail[-_. ]?delivery|maildelivery|mmdf|smtp[-_.]?daemon\
        |bounce-?back)
    """
)
_STRONG_NAME = any_of(
    r"""
    mailer[-_. ]?da?emon
    (?:mail|message) delivery
    delivery (?:sub)?system
    mail transport
    internet mail delivery
    доставк[аи] почты
    система доставки
    почтовый (?:робот|демон)
    nicht zustellbar
    """
)
_WEAK = re.compile(
    r"(?:[^@\s]{0,30}[-_.])?(?:postmaster|post[-_.]?office|mail[-_.]?admin(?:istrator)?|administrator|mailmarshal|mail[-_.]?system|mailsystem|mailgw"
    r"|mail[-_.]?gateway|microsoftexchange[0-9a-f]{10,40}|exchange|smtp|mta|bounces?|uucp|root|listserv|noreply|no-reply)"
    r"(?:[-+=_][^@\s]{0,200})?(?:@|$)",
    re.IGNORECASE,
)
_WEAK_NAME = any_of(
    r"""
    post ?master
    system administrator
    mail administrator
    microsoft (?:outlook|exchange)
    mail system
    e?mail gateway
    smtp (?:server|gateway|service)
    системный администратор
    администратор почты
    почтовая система
    """
)

_SUBJECT = any_of(
    r"""
    undeliver(?:ed|able)
    un-?delivered mail
    delivery (?:status notification|status|fail(?:ure|ed)|has failed|report|error|problem|notification|notice\
        |attempts?|unsuccessful|reply|delay(?:ed)?)
    (?:mail|message|e-?mail) delivery (?:failed|system|failure|delayed|problem|error|aborted|status)
    failure (?:notice|notification|delivering)
    fail(?:ed|ure) (?:delivery|to deliver|mail|msg|message)
    returned (?:mail|message|e-?mail|to sender)
    \breturn(?:ed)? to sender
    (?:mail|message|e-?mail|letter) (?:has |was |is |could |can )?(?:not |un)(?:be )?(?:been )?(?:delivered|sent\
        |deliverable)
    (?:could not|couldn't|can not|cannot|can't|unable to) (?:be )?(?:deliver|send|sent)
    non[ -]?deliver(?:y|ed|able)
    not delivered
    delayed mail
    (?:mail|message|e-?mail) (?:is |was |has been )?delayed
    warning: (?:could not send|message|mail)
    mail (?:system )?error
    error (?:sending|delivering|in delivery)
    (?:rejected|bounced|blocked|refused) (?:e-?mail|message|posting)
    (?:e-?mail|message) (?:rejected|bounced|blocked|refused)
    permanent(?:e|ly)? (?:fail|error)
    user unknown
    unknown (?:user|recipient|address)
    no such user
    recipient (?:unknown|rejected|not found)
    (?:invalid|bad) (?:recipient|address)
    mailbox (?:is )?(?:full|unavailable|over quota)
    ndn:
    ndr:
    unzustellbar
    nicht zugestellt
    nicht zustellbar
    zustell(?:ung|fehler|problem)
    fehler bei der (?:zustell|übermitt)
    unzustellbarkeit
    non (?:remis|distribu|délivr)
    échec de (?:la )?(?:remise|distribution|livraison|l'envoi)
    no (?:se )?(?:ha |pudo |puede )?(?:sido |podido )?entreg(?:ado|ar)
    error (?:de|en la) entrega
    devuelto al remitente
    mancat[ao] (?:consegna|recapito)
    (?:non|impossibile) (?:è stato )?(?:recapita|consegna)
    messaggio non recapitabile
    falha (?:na|de) entrega
    não (?:foi )?entregue
    não é possível entregar
    niedostarczon
    nie dostarczon
    niedoręczon
    błąd dostar
    (?:onbestelbaar|niet (?:bezorgd|afgeleverd))
    oleverer
    ej levereras
    kunne ikke leveres
    toimittamaton
    недоставлен
    не (?:был[аои]? |может быть |могут быть )?доставлен
    не (?:удалось|удается|удаётся) (?:доставить|отправить)
    невозможно доставить
    (?:ошибка|сбой|проблем[аы]|отказ|неудач\w+|задержка|отч[её]т о|уведомление о) (?:при )?(?:не)?доставк
    не вдалося доставити
    невдала доставка
    не доставлено
    помилка доставки
    недостарчан
    配信(?:不能|でき|エラー|失敗)
    送信(?:でき|エラー|失敗)
    戻り
    未達
    退信
    无法(?:投递|送达)
    投递(?:失败|错误)
    未送達
    배달
    """
)
_WORDS = any_of(
    r"""
    qmail-send program
    (?:this is|from) the (?:mail (?:system|delivery|transfer)|postfix|mdaemon|courier|exim|[\w-]{2,30} mail\
        |mail delivery agent|smtp)\b
    transcript of session
    (?:wasn't|was not|were not|not|been un|un)able to (?:be )?deliver
    (?:could ?n[o']t|can ?n?ot|can't|has not|have not|hasn't|was not|wasn't|were not|is not\
        |did not get)(?: yet)?(?: be| been| being)?(?: successfully)?\
        \x20(?:deliver|sent to|relayed|forwarded to|dispatched|transmitted)
    (?:did not|didn't|couldn't|not) reach (?:the following|some|all|one|any|its|your)
    undeliver(?:ed|able)
    deliver(?:y|ing)? (?:to|of|for) [^\n]{0,160}(?:fail|delayed|unsuccessful|abort|impossible|not possible)
    delivery (?:attempt|to the following|has failed|failed|status|error|problem|of your|failure)
    non-?delivery
    (?:permanent|fatal|permanent fatal) (?:delivery )?(?:error|failure)s?
    failed (?:recipient|address)
    fail(?:ed|ure)? (?:to|of) deliver
    (?:returned|return(?:ing)? it|bounced|sent back) (?:to|by|from) (?:the )?(?:sender|you|originator)
    is being returned
    (?:message|mail|e-?mail|letter) (?:you sent |that you sent )?[^\n]{0,60}(?:bounced|rejected|returned|refused\
        |blocked)
    following (?:recipients?|address(?:es)?|error|destination)
    (?:errors? occur|error message|reason (?:for|is|was))[^\n]{0,40}
    (?:user|recipient|address|mailbox|account)s? (?:is |was |are |has been |name )?(?:unknown|rejected|invalid\
        |not found|full|disabled|unavailable|does not exist|doesn't exist|over quota|exceeded|not (?:known|valid|listed\
        |recognized))
    unknown (?:user|recipient|address|host|mailbox)
    no such (?:user|recipient|mailbox|address|account|person)
    (?:mail)?box (?:is )?full
    host (?:unknown|not found)
    не (?:был[аои]? |может быть |могут быть |удалось |смог\w* |можем )?(?:доставлен|доставить|отправлен|отправить)
    недоставлен
    доставк\w+ [^\n]{0,60}(?:невозмож|не удал|неудач|отложен|задерж)
    невозможно доставить
    (?:не существует|не найден|переполнен)
    не (?:вдалося|може бути|було) достав
    nicht (?:zugestellt|ausgeliefert|zustellbar|übermittelt|erreich)
    unzustellbar
    n'a(?:ient)? pas (?:pu )?(?:être |été )?(?:remis|délivr|distribu|achemin|transmis)
    non (?:remis|distribu)
    no (?:se )?(?:ha |pudo |puede |pueden |fue )?(?:sido |podido |ser )?entreg
    non (?:è stato|può essere) [^\n]{0,30}(?:consegn|recapit)
    não (?:pôde|foi|pode)[^\n]{0,30}(?:entreg|envia)
    nie (?:został|mogł|może|udało)[^\n]{0,40}(?:dostarcz|doręcz)
    niet (?:worden )?(?:bezorgd|afgeleverd|besteld)
    配信(?:不能|でき|され|に失敗)
    送信できま
    届け
    宛先
    退信
    无法(?:投递|送达)
    投递
    """
)
_DELAY = any_of(
    r"""
    delay(?:ed)?\b(?! failure)
    warning: (?:could not send|message|mail)
    (?:will|still) (?:be )?(?:retr(?:y|ied)|try|trying|keep trying)
    this is a warning
    not been delivered yet
    not yet been delivered
    do(?:es)? not need to resend
    no action is required
    задерж
    отложен
    попытк\w+ (?:доставки )?(?:будут|продолж)
    повторн\w+ попытк
    verzöger
    retard[ée]
    demorad
    w toku
    vertraagd
    """
)
_FINAL = any_of(
    r"""
    giv(?:en|ing) up
    permanent
    fail(?:ed|ure)
    undeliver
    could not be delivered
    cannot be delivered
    no longer
    returned
    прекращен
    окончательн
    недоставлен
    не удалось доставить
    5\.\d\.\d
    \b55\d\b
    """
)
# How mail systems begin; nobody else begins a mail so, but people quote it further down.
_OPENINGS = alternatives(
    r"""
    this is the [^\n]{0,80}(?:mail|smtp|postfix|exim|qmail|program|server)
    this (?:message|mail|e-?mail|report) (?:was|is|has been) (?:created|generated|sent) (?:automatically )?by\
        (?: the)? [^\n]{0,30}(?:mail|delivery|server)
    (?:i'm afraid i|i'm sorry|i am sorry|sorry, (?:we|i) )[^\n]{0,60}(?:deliver|inform you that)
    (?:your|the|a) (?:e-?)?(?:message|mail)s?\s*\n\s*(?:to|from|subject|sent):
    ваше (?:сообщение|письмо)\s*\n\s*(?:кому|от|тема|отправлено):
    (?:your|the|the following|a|the attached) (?:e-?)?(?:message|mail)[^\n]{0,60}\s\
        (?:could not|couldn't|cannot|was not|wasn't|has not|is)[^\n]{0,20}(?:deliver|undeliver|sent|relayed)
    (?:your|the) (?:e-?)?(?:message|mail) to the following
    delivery (?:to|of|has failed|failed|to the following)\b
    (?:we|the (?:mail )?server) (?:had trouble|were? unable|could not|was unable|are sorry)
    (?:the|each of the) (?:following )?(?:user|recipient|address|account)[^\n]{0,40}\
        (?:disabled|unknown|rejected|had|were|was|over quota)
    [^\n]{0,6}-{3,}[^\n]{0,40}(?:addresses|failure reasons|server message|transcript|delivery|error)
    (?:user mailbox|user unknown|unknown (?:user|recipient)|failed to deliver|undeliver)
    (?:an )?error[^\n]{0,40}(?:deliver|sending)
    sent <<<
    к сожалению, (?:ваше|мы|письмо|сообщение)[^\n]{0,80}(?:не |сообщить)
    (?:ваше )?(?:письмо|сообщение)[^\n]{0,60}не (?:был|может|удалось)[^\n]{0,20}(?:доставлен|доставить|отправлен)
    抱歉|次の(?:あて先|受信者|宛先)|很抱歉
    """
)
_GREETING = r"(?:(?:hi|hello|здравствуйте|(?:dear|уважаем\w{2,4}) [\w ]{1,40})[.!,:]\s{1,20})?"
_OPENING = re.compile(rf"\W{{0,40}}{_GREETING}{_OPENINGS}", re.IGNORECASE)
_ANSWER_PREFIX = re.compile(
    r"\s*(?:re|aw|sv|fwd?|wg|tr|rv|отв|ответ|пересл|fw|ha|на)\s*(?:\[\d+\])?\s*:", re.IGNORECASE
)
WORDS_SHOWN = 3000  # characters: what happened stands at the top


def robot_weight(author: str, from_field: str) -> int:
    """How surely a mail system wrote it: 2 for names only such systems bear, 1 for names of both, 0 for others."""
    shown = from_field[:200]
    name = shown.partition("<")[0]
    if _STRONG.match(author) or _STRONG_NAME.search(name) or (not author and _STRONG.search(shown)):
        return 2
    if not shown.strip():
        return 1
    return int(_WEAK.match(author) is not None or _WEAK_NAME.search(name) is not None)


def is_answer_subject(subject: str) -> bool:
    """Does a person answer or forward: «Re: Undelivered mail»?"""
    return _ANSWER_PREFIX.match(subject) is not None


def subject_tells(subject: str) -> bool:
    """Does the subject say that something was not delivered?"""
    return not is_answer_subject(subject) and _SUBJECT.search(subject[:500]) is not None


def words_tell(words: str) -> bool:
    """Do the first words say that something was not delivered?"""
    return _WORDS.search(words[:WORDS_SHOWN]) is not None


def opens_like_a_machine(words: str) -> bool:
    """Does the text begin as the reports of mail systems begin?"""
    return _OPENING.match(words[:WORDS_SHOWN]) is not None


def tells_of_delay(subject: str, words: str) -> bool:
    """Is it only late, and still being tried (RFC 3464 §2.3.3 "delayed")?"""
    if _DELAY.search(subject[:500]):
        return True
    said = words[:WORDS_SHOWN]
    return _DELAY.search(said) is not None and not _FINAL.search(subject[:500]) and not _FINAL.search(said)
