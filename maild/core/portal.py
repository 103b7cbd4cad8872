"""What somebody typed into a form of the portal comes in as a mail of his; it was not written by a mail program.

So nothing in it is a quote or a signature, and nothing about it tells a machine; what his session proves stands in the
envelope.
"""

from dataclasses import replace

from maild.core.courtesy import is_courtesy
from maild.core.languages import language_of
from maild.core.mail import Door, Envelope, Kind, Mail

WISH_FIELD = "X-Maild-Wish"  # what he ticked on the form; believed of our own mails only


def as_typed(mail: Mail, envelope: Envelope) -> Mail:
    """The mail as it was meant; any other than the portal's is left as it is."""
    if envelope.door is not Door.PORTAL:
        return mail
    words = mail.text.strip("\n")
    return replace(
        mail,
        kind=Kind.MAIL,
        is_kind_guessed=False,
        is_auto_generated=False,
        is_courtesy=is_courtesy(words, bool(mail.attachments)),
        language=language_of(words) or mail.language,
        text=words,
        reply=words,
        folds=(),
    )
