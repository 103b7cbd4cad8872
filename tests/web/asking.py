"""A browser in front of «Задать вопрос»: forms with files, a desk whose categories have topics and fields."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from maild.core.policy import Field, Policy, Text, Topic
from tests.web.portal import Browser, forms_in
from tests.web.serving import Answer

BOUNDARY = "x-maild-test-boundary"
File = tuple[str, bytes]


def with_topics(policy: Policy) -> Policy:
    """Billing has two topics, one of them with fields; tech has none."""
    nothing = Text("", "")
    fields = (
        Field("contract", Text("Номер договора", "Contract"), "number", True, (), "", nothing),
        Field("way", Text("Как вернуть", "How"), "choice", False, ("на карту", "на счёт"), "", nothing),
    )
    topics = (Topic("refund", Text("Возврат", "Refund"), fields), Topic("docs", Text("Документы", "Papers"), ()))
    billing, tech = policy.categories
    return replace(policy, categories=(replace(billing, topics=topics), tech))


def multipart(values: Iterable[tuple[str, str]], files: Sequence[File] = ()) -> bytes:
    """A form as a browser encodes it (RFC 7578)."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values
    ]
    for name, content in files:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        kind = "image/png" if name.endswith(".png") else "text/plain"
        parts.append(f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def hidden(page: Answer) -> dict[str, str]:
    """The hidden inputs of the form of a question."""
    return next(form.hidden for form in forms_in(page.text) if form.action == "/ask" and "discard" not in form.buttons)


def send(browser: Browser, page: Answer, values: dict[str, str], files: Sequence[File] = ()) -> Answer:
    """Fill in the form on that page and press «Задать вопрос», or the button named in `values`."""
    kept = {name: value for name, value in hidden(page).items() if name not in values}
    pressed = {} if "step" in values else {"send": "1"}
    body = multipart([*kept.items(), *values.items(), *pressed.items()], files)
    head = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Sec-Fetch-Site": "same-origin"}
    return browser.ask("POST", "/ask", body, head)
