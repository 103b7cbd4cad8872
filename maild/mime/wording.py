"""How mail programs and people word the lines around a reply: Russian, Ukrainian, English, and some neighbours.

Each question is asked of one line (or a few joined), and answered without backtracking over more than that.
"""

import re

_MAX_LINE = 400  # characters; longer lines are prose

_MARKER = re.compile(r"=-=-=.*=-=-=")
_ORIGINAL = re.compile(
    r"[\s>*_]*-{2,}\s*(?:original message|original appointment|reply message|исходное сообщение|исходное письмо"
    r"|оригинальное сообщение|первоначальное сообщение|вихідне повідомлення|оригінальне повідомлення|початкове "
    r"повідомлення|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale"
    r"|oorspronkelijk bericht"
    r"|wiadomość oryginalna|opprinnelig melding|oprindelig meddelelse|ursprungligt meddelande|původní zpráva"
    r"|mensagem original)\s*-{2,}",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"[\s*_]*(?:-{3,}\s*(?:forwarded message|пересылаемое сообщение|пересланное сообщение"
    r"|переслане повідомлення|перенаправленное сообщение|конец пересылаемого сообщения|forwarded by)"
    r"|begin forwarded message|начало переадресованного сообщения|начало пересылаемого сообщения"
    r"|початок листа, який пересилається)",
    re.IGNORECASE,
)
_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|пересл?\.?|пер|wg|tr|rv|i|vs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_FROM = re.compile(
    r"[*_>\s]*(?:from|от кого|от|від кого|від|von|de|da|van|od|fra|från)[*_]?\s*:[*_]?\s*\S", re.IGNORECASE
)
_HEADER = re.compile(
    r"[*_>\s]*(?:from|sent|to|cc|bcc|subject|date|reply-to|organization|importance|отправлено|дата|кому|копия|тема|от"
    r"|отправитель|получатель|время|важность|надіслано|дата|кому|копія|тема|gesendet|an|betreff|datum|envoyé|à|objet|cc"
    r"|enviado|para|asunto|assunto|inviato|oggetto|verzonden|aan|onderwerp|wysłano|do|temat|sendt|til|emne|skickat|till"
    r"|ämne)[*_]?\s*:",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-_=–—*\s]{5,}")
_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|said|пишет|писал|писала|писал\(а\)|написал|написала|написал\(а\)|написали|пишут|сообщает"
    r"|сообщил|сообщила|сообщил\(а\)|пише|написав|написала|написав\(-ла\)|написав\(ла\)|писав|schrieb|schreibt|a écrit|"
    r"écrit|escribió|ha scritto|scrive|schreef|skrev|napisał|napisał\(a\)|napisała|pisze|napsal|napsal\(a\)|yazdı"
    r"|escreveu|kirjoitti)(?!\w)|のメール|写道|님이 작성)(?:[^:：]|(?<=\d):(?=\d)){0,80}[:：]\s*$",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"\d{1,2}[:.]\d{2}\b|\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_START = re.compile(
    r"(?:on|am|le|el|il|op|em|den|dne|dnia|w dniu|в|во|от|от:|\d{1,2}[./-]|\d{4}|\d{1,2}\s|\"|«|<|>|"
    r"(?:пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|понеділок|вівторок|середа"
    r"|четвер|п.ятниця|субота|неділя|mon|tue|wed|thu|fri|sat|sun)[a-z]*\b)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:с (?:глубоким )?уважением|с наилучшими(?: пожеланиями)?|с пожеланиями|с благодарностью|с признательностью"
    r"|всего (?:наи)?(?:лучшего|доброго)|искренне ваш|хорошего (?:вам )?дня|з повагою|з найкращими побажаннями|щиро ваш"
    r"|(?:best|kind|warm|kindest|warmest|with (?:best|kind)|many) regards|regards|best wishes|all the best"
    r"|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|respectfully|cheers"
    r"|mit freundlichen grüßen|mit freundlichem gruß|viele grüße|freundliche grüße|cordialement|bien cordialement"
    r"|saludos|un saludo|cordiali saluti|distinti saluti|met vriendelijke groet|pozdrawiam|z poważaniem|z powazaniem"
    r"|med venlig hilsen|med vänliga hälsningar|vänliga hälsningar|hilsen|s pozdravem|kind regards)"
    r"(?:\s*[,.!;:–—-]*|[,.!;:–—-]+\s*[^.?!]{0,60}|\s+[^\s,.?!]+(?:\s+[^\s,.?!]+){0,3})\s*",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?:sent from (?:my |outlook|yahoo|mail|gmail|samsung|proton|the |windows|blackberry|an? )[^,?!:]{0,60}"
    r"|sent (?:via|with|using) (?:my |the |blackberry|samsung|proton|spark|mail)[^,?!:]{0,60}"
    r"|get outlook for (?:ios|android)\b.{0,80}"
    r"|download (?:the )?outlook for .{0,60}"
    r"|отправлено (?:с |со |из |через |от |при помощи )[^,?!]{0,90}"
    r"|посланo? (?:с|из) [^,?!]{0,60}|скачать outlook для .{0,80}|послано с [^,?!]{0,60}"
    r"|надіслано (?:з|із|через) [^,?!]{0,80}|відправлено (?:з|із) [^,?!]{0,80}|завантажити outlook для .{0,80}"
    r"|von meinem .{2,40} gesendet|envoyé de mon .{2,40}|enviado desde mi .{2,40}|inviato da .{2,40}"
    r"|verzonden vanaf mijn .{2,40}|wysłane z .{2,40}|sendt fra min .{2,40}|skickat från min .{2,40})\s*\.?"
    r"(?:\s*<https?://[^\s>]*>?)?",
    re.IGNORECASE,
)
_DASHED_NAME = re.compile(r"[-/–—~]\s?[A-ZА-ЯЁІЇЄҐ][^\W\d]*\.?(?:\s[A-ZА-ЯЁІЇЄҐ][^\W\d]*\.?){0,2}")
_LIST_FOOTER = re.compile(r"_{30,}|you received this message because you are subscribed.{0,200}", re.IGNORECASE)
_DISCLAIMER = re.compile(
    r"(?:this (?:e-?mail|message|communication|transmission)(?: message)?(?: \(.{0,80}\))?"
    r"(?: and any| is| may| contains|,)"
    r"|the (?:information|contents?) (?:contained |transmitted )?(?:in|of|with) this|confidentiality notice"
    r"|disclaimer\s*:"
    r"|(?:это|данное|настоящее|это электронное|данное электронное|настоящее электронное) (?:сообщение|письмо)"
    r"[^.]{0,120}(?:конфиденциальн|предназнач|является)|уведомление о конфиденциальности|конфиденциальность\s*:"
    r"|информация, содержащаяся в (?:этом|данном|настоящем)|це повідомлення[^.]{0,100}конфіденц)",
    re.IGNORECASE,
)


def is_marker(line: str) -> bool:
    """Our own line above which one replies: `=-=-= … =-=-=`."""
    return "=-=-=" in line and _MARKER.search(line[:_MAX_LINE]) is not None


def is_original_message(line: str) -> bool:
    """«-----Original Message-----» and its translations."""
    return "--" in line and _ORIGINAL.match(line) is not None


def is_forward_subject(subject: str) -> bool:
    """`Fwd: …`, `FW: …`, «Пересл.: …»: the mail passes another one on."""
    return _FORWARD_SUBJECT.match(subject) is not None


def is_forward_line(line: str) -> bool:
    """«-------- Пересылаемое сообщение --------», "Begin forwarded message:"."""
    return _FORWARD.match(line) is not None


def is_from_line(line: str) -> bool:
    """`From: …`, `От: …`: may begin a quoted header."""
    return len(line) <= _MAX_LINE and _FROM.match(line) is not None


def is_header_line(line: str) -> bool:
    """`To: …`, `Тема: …`: a line of a quoted header."""
    return _HEADER.match(line) is not None


def is_rule(line: str) -> bool:
    """A line of dashes or underscores."""
    return len(line) <= _MAX_LINE and _RULE.fullmatch(line) is not None


def may_end_attribution(line: str) -> bool:
    """Only lines with a colon at the end introduce a quote."""
    return line.rstrip("*_ \u00a0").endswith((":", "：")) and len(line) <= _MAX_LINE


def is_attribution(words: str, is_above_quote: bool) -> bool:
    """Do these words introduce a quote? Above something quoted less is asked of them."""
    words = words.rstrip("*_ \u00a0")
    if len(words) > _MAX_LINE:
        return False
    has_moment = _MOMENT.search(words) is not None
    if not has_moment and not is_above_quote:
        return False
    wrote = _WROTE.search(words) is not None
    begins = _START.match(words) is not None
    if not is_above_quote:
        return wrote and has_moment and begins
    if wrote:
        return (begins and has_moment) or (
            len(words) < 100 and not words.lower().startswith(("wrote", "пишет", "написал"))
        )
    return has_moment and _ADDRESS.search(words) is not None and begins


def is_closing(line: str) -> bool:
    """«С уважением, Иван», "Best regards"."""
    return len(line) <= 90 and _CLOSING.fullmatch(line) is not None


def is_phone_line(line: str) -> bool:
    """«Отправлено с iPhone»: the advertisement of a phone or a mail program."""
    return len(line) <= 160 and _PHONE.fullmatch(line) is not None


def is_dashed_name(line: str) -> bool:
    """`-Abhishek Kona`, `/John`."""
    return len(line) <= 40 and _DASHED_NAME.fullmatch(line) is not None


def is_list_footer(line: str) -> bool:
    """The rule above what a mailing list appends."""
    return _LIST_FOOTER.match(line) is not None


def is_disclaimer(line: str) -> bool:
    """How the lawyers' paragraph begins."""
    return _DISCLAIMER.match(line) is not None
