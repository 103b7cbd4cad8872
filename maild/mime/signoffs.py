"""How people and programs end a mail: closings, phones' advertisements, disclaimers, list footers, banners.

Each question is asked of one line and answered without looking at the rest of the mail.
"""

import re

from maild.mime import phrases

_MAX_CLOSING = 100  # characters
_WORD = re.compile(r"\S*[^\W_]|&")
_DELIMITERS = frozenset({"--", "—", "––", "---", "- -", "- --", "__", "___", "==", "––-", "—--", "~~"})
_CLOSINGS = frozenset(phrases.CLOSINGS.split("|"))
_CLOSINGS_ALONE = frozenset(phrases.CLOSINGS_ALONE.split("|"))
_CLOSING_LENGTH = max(len(one.split()) for one in _CLOSINGS)
_AFTER_CLOSING = re.compile(
    r"[\s,.!;:–—-]*|\s*[,.!;:–—-]+\s*(?:[^.?!]|(?<=\b[A-ZА-ЯЁІЇЄҐ])\.){0,60}\.?"
    r"|\s+(?:[A-ZА-ЯЁІЇЄҐÀ-Þ]|команда|коллектив|отдел|служба|поддержка|ваш[аи]? |the )[^,.?!]{0,40}[,.]?[^.?!]{0,40}"
)
_BY = r"(?: (?:my |a |an |the |your |outlook|yahoo|mail|gmail|samsung|proton|windows|blackberry|blue ?mail|spark|mobile"
_BY += (
    r"|myMail|typeapp|aqua|nine|airmail|zoho|android|iphone|ipad|workspace|huawei|xiaomi|honor|aol|tutanota|tuta|k-9))"
)
_PHONE = re.compile(
    r"[*_>\s]*(?:"
    rf"(?:(?:this (?:e-?mail|message) was )?sent (?:from|via|with|using|by){_BY})[^,?!:]{{0,70}}"
    r"|get (?:outlook|bluemail|blue mail|the outlook app|typeapp|spark) for\b.{0,80}"
    r"|download (?:the )?outlook for .{0,60}"
    r"|sent from [^\s,?!:]{1,20}|sent from my (?:verizon|at&t|t-mobile|sprint),? [^?!:]{0,60}"
    r"|(?:please )?(?:excuse|pardon|forgive) (?:my |the |any )?(?:brevity|typos|terseness|shortness).{0,60}"
    r"|(?:(?:это )?(?:письмо|сообщение) )?(?:было )?(?:отправлено|послано|написано)"
    r" (?:с|со|из|через|от|при помощи|с помощью|в|посредством) [^?!]{0,110}"
    r"|послано? (?:с|из) [^,?!]{0,60}|скачать outlook для .{0,80}"
    r"|получить outlook для .{0,80}"
    r"|загрузить outlook для .{0,80}|(?:пожалуйста, )?(?:простите|извините)(?: меня)? за (?:краткость"
    r"|лаконичность).{0,60}"
    r"|(?:(?:цей|це) (?:лист|повідомлення) )?(?:було )?(?:надіслано|відправлено|написано) (?:з|із|зі|через"
    r"|за допомогою)"
    r" [^?!]{0,90}|(?:завантажити|завантажте|отримати|отримайте) outlook (?:для|на) .{0,80}"
    r"|(?:вибачте|перепрошую) за (?:стислість|лаконічність).{0,60}"
    r"|(?:von meinem|gesendet (?:von|mit|über)|diese nachricht wurde von meinem) .{2,80}|outlook für .{3,20} beziehen"
    r"|holen sie sich outlook für .{0,60}|entschuldigen sie .{0,60}kürze.{0,20}"
    r"|(?:envoyé|envoyée) (?:de|depuis|à partir|avec|via|par) .{2,80}|(?:obtenir|télécharger) outlook pour .{0,60}"
    r"|enviado (?:desde|do|de|a partir|con|através|pelo|via) .{2,80}|(?:obtener|obter) (?:o )?outlook para .{0,60}"
    r"|inviato (?:da|dal|con|tramite) .{2,80}|(?:scarica|ottieni) outlook per .{0,60}"
    r"|(?:verzonden|verstuurd) (?:vanaf|met|vanuit|via) .{2,80}|(?:download|outlook voor) .{0,10}outlook voor .{0,60}"
    r"|(?:wysłane|wysłano) (?:z|za pomocą) .{2,80}|pobierz (?:aplikację )?outlook dla .{0,60}"
    r"|sendt fra .{2,60}|skickat från .{2,60}|lähetetty .{2,60}|odesláno z .{2,60}|odoslané z .{2,60}"
    r"|trimis de pe .{2,60}|.{2,40}(?:dan|den|ımdan|imden|umdan) gönderildi"
    r"|发自我?的?.{1,40}|.{1,20}から送信|나의 .{1,20}에서 보냄"
    r")\s*\.?(?:\s*[<(\[]\s*https?://[^\s>)\]]*\s*[>)\]]?)?[*_\s]*",
    re.IGNORECASE,
)
_OWN_PHONE = re.compile(
    r"sent from my (?!verizon|at&t|t-mobile|sprint)\w+,\s|sent from my \w+ (?:is|was|and|but|because|when|as)\b",
    re.IGNORECASE,
)
_DASHED_NAME = re.compile(r"[-/–—~]\s?[A-ZА-ЯЁІЇЄҐ][^\W\d]*\.?(?:\s[A-ZА-ЯЁІЇЄҐ][^\W\d]*\.?){0,2}")
_LIST_FOOTER = re.compile(
    r"_{30,}$|you (?:received|are receiving) this (?:message|e-?mail) because you.{0,200}|to unsubscribe (?:from|send"
    r"|e-?mail"
    r"|,|click).{0,200}|unsubscribe\s*:?\s*<?https?://.{0,200}|вы получили это (?:сообщение"
    r"|письмо), поскольку подписан.{0,200}"
    r"|чтобы отказаться от (?:подписки|рассылки).{0,200}|отписаться от рассылки.{0,200}"
    r"|reply to this email directly,? or"
    r" view it on.{0,200}|ви отримали це повідомлення, оскільки.{0,200}",
    re.IGNORECASE,
)
_ANTIVIRUS = re.compile(
    r"[*_>\s]*(?:<https?://[^\s>]{1,200}>\s*)?(?:без вирусов\.?|virus[- ]free\.?|без вірусів\.?|virenfrei\.?"
    r"|libre de virus\.?|sans virus\.?)"
    r"(?:\s*<?(?:https?://)?(?:www\.)?\S*(?:avast|avg)\S*>?.{0,200})?\s*$"
    r"|(?:это (?:сообщение|письмо)|данное (?:сообщение|письмо)|this e-?mail|this message|ця пошта|цей лист"
    r"|diese e-mail)"
    r" (?:has been|was|is|проверен|было проверено|перевірен|wurde).{0,60}(?:virus|вирус|вірус|viren|malware).{0,120}"
    r"|проверено (?:антивирусом|на вирусы|avast|kaspersky|dr\.?web).{0,80}|checked by (?:avg|avast).{0,80}"
    r"|no virus found in this.{0,80}|_{5,}\s*information from eset.{0,120}|avast logo|\[?https?://\S*avast\S*\]?",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"[*_>\s]*(?:(?:внимание|важно|увага|warning|important|attention)\s?[!:.]\s*)?"
    r"(?:this (?:e-?mail|message|communication|transmission|electronic message)(?: message)?(?: \(.{0,80}\))?"
    r"(?: and any| and its| and all| is| may| contains| transmission|,)"
    r"|the (?:information|contents?) (?:contained |transmitted )?(?:in|of|with) this|(?:legal |email )?confidentiality"
    r"(?: notice| note|:)|confidential(?:ity)? notice"
    r"|(?:legal |e-?mail )?disclaimer\s*:?\s*$|disclaimer\s*:|important notice\s*:?"
    r"|if you are not the intended recipient"
    r"|please consider the environment|consider the environment before|think before you print"
    r"|(?:это|данное|настоящее|это электронное|данное электронное|настоящее электронное|это|электронное)"
    r" (?:сообщение|письмо)(?: (?:и|вместе|а также))?[^.]{0,120}(?:конфиденциальн|предназнач|является)"
    r"|(?:сообщение|письмо) и (?:все |любые )?(?:вложения|приложения)[^.]{0,80}конфиденциальн"
    r"|уведомление о конфиденциальности|конфиденциальность\s*:|информация, (?:содержащаяся|содержащийся) в"
    r" (?:этом|данном|настоящем)|внимание! (?:это|данное) (?:сообщение|письмо).{0,80}конфиденц"
    r"|если вы (?:получили это|не являетесь|получили данное|получили настоящее)[^.?]{0,60}(?:ошиб|адресат|получател)"
    r"|содержание (?:данного|этого|настоящего) (?:сообщения|письма)"
    r"|(?:пожалуйста, )?(?:подумайте об окружающей среде|берегите природу|позаботьтесь об окружающей)"
    r"|(?:це|дане|це електронне|цей|даний)(?: електронн\S+)? (?:повідомлення|лист)[^.]{0,120}(?:конфіденц|призначен)"
    r"|інформація, (?:що міститься|яка міститься|викладена) (?:в|у) (?:цьому|даному)|якщо ви отримали (?:це"
    r"|цей)[^.]{0,60}помилк"
    r"|diese (?:e-?mail|nachricht)[^.]{0,60}(?:vertraulich|enthält)|der inhalt dieser e-?mail"
    r"|ce (?:message|courriel|mail)[^.]{0,80}(?:confidentiel|destiné|destinataire|exclusif)"
    r"|este (?:mensaje|correo|e-?mail|mensagem)[^.]{0,80}(?:confidencial|destinatari|exclusiv)"
    r"|esta mensagem[^.]{0,80}confiden"
    r"|la información contenida en este|le informazioni contenute|questo messaggio[^.]{0,80}(?:riservat|confidenzial)"
    r"|dit (?:e-?mail)?bericht[^.]{0,60}(?:vertrouwelijk|bestemd)|ta wiadomość[^.]{0,80}(?:poufn|przeznaczon))",
    re.IGNORECASE,
)
_BANNER = re.compile(
    r"[*_\[\s]*(?:(?:caution|warning|external|attention|notice|be careful|внимание|осторожно|увага"
    r"|обережно)\b[!:\]\s*_-]*"
    r"(?:external\b.{0,20}|this (?:e-?mail|message) (?:originated|is|was|came|has).{0,400}|.{0,40}(?:outside"
    r"|external).{0,300}"
    r"|(?:это |данное )?(?:внешнее |письмо|сообщение|отправитель).{0,60}(?:внешн|из-за пределов|не из).{0,300}|внешнее"
    r" (?:письмо|сообщение).{0,300}|(?:цей |це )?(?:зовнішн|лист|повідомлення).{0,60}зовнішн.{0,300})"
    r"|(?:this|the) (?:e-?mail|message|sender) (?:originated (?:from )?outside|is from an external"
    r"|came from outside).{0,300}"
    r"|you don['’]t often get (?:e-?mail|messages) from.{0,300}|\[external(?: e?mail)?\]\s*$"
    r"|вы (?:не )?(?:часто|редко) получаете (?:письма|сообщения) (?:с|от).{0,300})",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\?\s*\)*\s*$|\?\s")
_AFTERTHOUGHT = re.compile(r"(?:p\.?\s?s\b|п\.?\s?с\b|з\.?\s?ы\b|зы\b|ps\b)", re.IGNORECASE)
_LINK = re.compile(r"\s*[<(\[]\s*https?://[^\s>)\]]*\s*[>)\]]\s*")
_IN_LINK = re.compile(r"https?://\S+")


def is_delimiter(line: str) -> bool:
    """«-- » (RFC 3676 §4.3) and what people make of it."""
    return line in _DELIMITERS


def is_drawn(line: str) -> bool:
    """A line of dashes or underscores that people draw above their signature."""
    return 3 < len(line) < 80 and line[0] in "-_" and line == line[0] * len(line)


def is_closing(line: str) -> bool:
    """«С уважением, Иван», "Best regards"."""
    if len(line) > _MAX_CLOSING:
        return False
    bare = line.strip("*_ ")
    if bare.rstrip(",.!;: –—-").lower() in _CLOSINGS_ALONE:
        return True
    for match in list(_WORD.finditer(bare, 0, 60))[:_CLOSING_LENGTH]:
        if " ".join(bare[: match.end()].lower().split()) in _CLOSINGS and _AFTER_CLOSING.fullmatch(bare[match.end() :]):
            return True
    return False


def is_phone_line(line: str) -> bool:
    """«Отправлено с iPhone»: the advertisement of a phone or a mail program."""
    bare = _LINK.sub(" ", line) if len(line) < 500 else line
    return len(bare) <= 200 and _PHONE.fullmatch(bare) is not None and _OWN_PHONE.match(bare) is None


def is_dashed_name(line: str) -> bool:
    """`-Abhishek Kona`, `/John`."""
    return len(line) <= 40 and _DASHED_NAME.fullmatch(line) is not None


def is_list_footer(line: str) -> bool:
    """The rule above what a mailing list appends, or its first words."""
    return _LIST_FOOTER.match(line) is not None


def is_antivirus(line: str) -> bool:
    """«Без вирусов. www.avast.com»."""
    return len(line) <= 300 and _ANTIVIRUS.match(line) is not None


def is_disclaimer(line: str) -> bool:
    """How the lawyers' paragraph begins."""
    return _DISCLAIMER.match(line) is not None


def is_banner(line: str) -> bool:
    """What a company's gateway writes above mail from outside."""
    return len(line) <= 700 and _BANNER.match(line) is not None


def asks(line: str) -> bool:
    """Is it a question or an afterthought, so no part of a signature?"""
    if _AFTERTHOUGHT.match(line):
        return True
    return "?" in line and _QUESTION.search(_IN_LINK.sub("", line)) is not None
