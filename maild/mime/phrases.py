"""What mail programs and people write around their words, language by language.

Lists only, read by `wording` and `signoffs`; all in lower case, `|` between phrases.
"""

ORIGINAL_MESSAGE = (
    "original message|original appointment|reply message|original e-mail|original email"
    "|исходное сообщение|исходное письмо|исходящее сообщение|оригинальное сообщение|первоначальное сообщение"
    "|вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|оригінал повідомлення|початковий лист"
    "|зыходнае паведамленне|оригинално писмо|оригинално съобщение"
    "|ursprüngliche nachricht|ursprüngliche e-mail|original-nachricht|originalnachricht"
    "|message d'origine|message d’origine|message original|message initial"
    "|mensaje original|missatge original|messaggio originale|mensagem original"
    "|oorspronkelijk bericht|oorspronkelijke bericht|origineel bericht"
    "|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|původní e-mail|pôvodná správa"
    "|opprinnelig melding|oprindelig meddelelse|original meddelelse|ursprungligt meddelande|originalmeddelande"
    "|alkuperäinen viesti|eredeti üzenet|orijinal ileti|özgün ileti|mesaj original|mesajul original|izvorna poruka"
    "|αρχικό μήνυμα|原始邮件|邮件原件|原始郵件|元のメッセージ|원본 메시지"
)

FORWARDED = (  # how the words between the dashes begin
    "forwarded|original forwarded|пересыла|пересл|переадрес|перенаправлен|конец пересыл|переслан|перасланы"
    "|weitergeleitete|message transféré|mensaje reenviado|messaggio inoltrato|mensagem encaminhada|doorgestuurd"
    "|wiadomość przekazana|przekazana wiadomość|přeposlaná|videresendt|vidarebefordrat|转发邮件"
)

FORWARD_BEGINS = (  # Apple Mail
    "begin forwarded message|начало переадресованного|начало пересылаемого|початок переадресованого|початок листа, який"
    "|початок пересланого|anfang der weitergeleiteten|début du message réexpédié|début du message transféré"
    "|inicio del mensaje reenviado|inizio messaggio inoltrato|início da mensagem|begin doorgestuurd bericht"
    "|początek przekazywanej wiadomości"
)

HEADER_KEYS = {
    "from": (
        "from|от|от кого|отправитель|від|від кого|адпраўнік|von|de|de la|da|van|od|fra|från|frá|lähettäjä|feladó|kimden"
        "|gönderen|από|发件人|寄件者|差出人|送信者|보낸 사람"
    ),
    "sent": (
        "sent|date|sent at|отправлено|отправленные|дата|дата и время|время|надіслано|відправлено|дата надсилання"
        "|адпраўлена|gesendet|datum|envoyé|envoyé le|enviado|enviado el|enviado em|enviada em|fecha|data|inviato"
        "|verzonden|wysłano|data wysłania|sendt|dato|skickat|lähetetty|päivämäärä|elküldve|dátum|gönderildi"
        "|gönderilme tarihi|tarih|ημερομηνία|στάλθηκε|trimis|odesláno|odoslané|发送时间|日期|送信日時|日時|보낸 날짜"
    ),
    "to": (
        "to|кому|получатель|каму|an|à|para|a|aan|do|til|till|vastaanottaja|címzett|kime|alıcı|προς|către|komu|pro"
        "|收件人|宛先|받는 사람"
    ),
    "subject": (
        "subject|тема|тэма|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|temat|emne|ämne|aihe|tárgy|konu|θέμα"
        "|subiect|předmět|predmet|主题|主旨|件名|제목"
    ),
    "other": (
        "cc|bcc|копия|копія|скрытая копия|kopie|kopia|kopi|kopio|másolat|bilgi|抄送|reply-to|organization|importance"
        "|важность|важливість|attachments|вложения|priority|ответить"
    ),
}

WROTE = (  # single words; of "a écrit" the last
    "wrote|writes|said|пишет|пишут|писал|писала|писали|написал|написала|написали|сообщает|сообщил|сообщила"
    "|пише|пишуть|писав|написав|піша|напісаў|schrieb|schrieben|schreibt|geschrieben|écrit|ecrit|escribió|escribio"
    "|escreveu|scritto|scrive|scriveva|schreef|geschreven|skrev|napisał|napisała|napisal|pisze|napsal|napsala|napsali|napísal"
    "|yazdı|kirjoitti|írta|scris|έγραψε|napisao|написа|kirjutas|rašė|viết"
)
WROTE_ELSEWHERE = "のメール|写道|寫道|님이 작성|さんは書きました"

DATE_PREPOSITIONS = (  # with a verb they introduce a quote even where no time is told
    "on|am|le|el|il|op|em|den|den.|dne|dňa|dnia|no dia|kl|på|w dniu|в|во|у|на|στις|vào"
)
WEEKDAYS = (  # as they begin, in full or shortened
    "пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|сред|четверг|пятниц|суббот|воскресень|понеділ|вівтор|серед|четвер"
    "|п'ятн"
    "|п’ятн|субот|неділ|mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb"
    "|dom"
    "|seg|ter|qua|qui|sex|pon|wt|śr|czw|pt|sob|niedz|ma|wo|vr|za|zo|man|tir|ons|tor|fre|lør|søn|mån|tis|lör|sön"
)

CLOSINGS = (
    "с уважением|с ув|с уваж|с наил. пожеланиями|с глубоким уважением|с большим уважением|с искренним уважением"
    "|с неизменным уважением"
    "|с уважением и наилучшими пожеланиями|с уважением и благодарностью|с наилучшими|с наилучшими пожеланиями"
    "|с добрыми пожеланиями|с лучшими пожеланиями|с пожеланиями|с пожеланиями успехов|с благодарностью"
    "|с признательностью"
    "|с благодарностью и уважением|всего доброго|всего хорошего|всего лучшего|всего наилучшего|всего самого доброго"
    "|всего вам доброго|всех благ|искренне ваш|искренне ваша|хорошего дня|хорошего вам дня|хорошего вечера|удачного дня"
    "|с теплом|с дружеским приветом|с приветом"
    "|з повагою|з глибокою повагою|зі щирою повагою|з щирою повагою|з найкращими побажаннями|з найліпшими побажаннями"
    "|з повагою та найкращими побажаннями|щиро ваш|щиро ваша|з вдячністю|з пошаною|всього найкращого|гарного дня"
    "|гарного вам дня|з павагай"
    "|regards|best regards|kind regards|warm regards|kindest regards|warmest regards|many regards|with regards"
    "|with best regards|with kind regards|with warm regards|best wishes|kind wishes|warm wishes|with best wishes"
    "|thanks and regards|thanks & regards|thanks and best regards|thanks & best regards|thanks and kind regards"
    "|thank you and best regards|thank you and kind regards|best rgds|kind rgds|rgds|all the best|sincerely"
    "|yours sincerely|sincerely yours|very sincerely|faithfully|yours faithfully|yours truly|respectfully"
    "|respectfully yours|cordially|take care|have a nice day|have a great day|have a good day"
    "|mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichen gruessen|mit besten grüßen"
    "|mit herzlichen grüßen"
    "|mit lieben grüßen|mit vielen grüßen|mit freundlichem gruß|mit bestem gruß|viele grüße|viele grüsse|liebe grüße"
    "|beste grüße|freundliche grüße|freundliche grüsse|herzliche grüße|schöne grüße|sonnige grüße|hochachtungsvoll|mfg"
    "|cordialement|bien cordialement|très cordialement|bien à vous|salutations|sincères salutations"
    "|salutations distinguées|meilleures salutations|bonne journée"
    "|saludos|un saludo|muchos saludos|saludos cordiales|un cordial saludo|atentamente|muy atentamente|un abrazo"
    "|cordiali saluti|distinti saluti|migliori saluti|un saluto|cordialmente"
    "|atenciosamente|cumprimentos|melhores cumprimentos|com os melhores cumprimentos|abraços"
    "|met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|hartelijke groet"
    "|hartelijke groeten|groeten|groet|mvg"
    "|pozdrawiam|pozdrawiam serdecznie|serdecznie pozdrawiam|z poważaniem|z powazaniem|z wyrazami szacunku"
    "|med venlig hilsen|med vennlig hilsen|venlig hilsen|vennlig hilsen|bedste hilsner|hilsen|mvh|med vänlig hälsning"
    "|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|hälsningar|hälsning"
    "|s pozdravem|s úctou|s pozdravom|ystävällisin terveisin|terveisin|üdvözlettel|saygılarımla|iyi çalışmalar"
    "|cu stimă|cu respect|с най-добри пожелания|敬具|よろしくお願いします"
)
# With nothing else in their line.
CLOSINGS_ALONE = "best|br|kr|yours|cheers|warmly|saluti|lg|vg|gruß|grüße|att|ваш|ваша|thanks & rgds"
