"""The first schema. Times are microseconds since 1970 UTC; JSON is text; addresses are normalised.

Every query that runs per mail, per letter or per minute has its index here.
"""

from typing import Any

import peewee
from playhouse.sqlite_ext import AutoIncrementField

Text, Number, Flag, Blob = peewee.TextField, peewee.BigIntegerField, peewee.BooleanField, peewee.BlobField


def up(migrator: Any, db: peewee.Database) -> None:
    """Create all tables."""
    # SQLite gives a deleted row's number to the next one unless told not to; ticket numbers are never reused.
    identity = AutoIncrementField if isinstance(db, peewee.SqliteDatabase) else peewee.BigAutoField

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Settings(Table):
        """What this database knows of itself: instance id, key fingerprints."""

        key = Text(primary_key=True)
        value = Text()

    class Mails(Table):
        """The ledger: one row per distinct mail, raw bytes compressed once."""

        id = identity()
        message_id = Text()
        content_key = Text()
        size = Number()
        received_at = Number()
        state = Text(default="spooled")
        attempts = Number(default=0)
        reason = Text(default="")
        ticket = Number(null=True)
        sender = Text(default="")
        subject = Text(default="")
        kind = Text(default="")
        trust = Text(default="")
        is_released = Flag(default=False)
        leased_until = Number(default=0)
        announced_at = Number(null=True)
        octets = Blob()  # last: SQLite walks the whole value to reach a column behind it

        class Meta:
            indexes = (
                (("message_id", "content_key"), True),
                (("state", "id"), False),
                (("state", "reason"), False),
                (("ticket",), False),
            )

    class Arrivals(Table):
        """How a mail reached us, once per delivery."""

        id = identity()
        mail = Number()
        door = Text()
        source_key = Text(null=True, unique=True)
        peer = Text()
        is_trusted_peer = Flag()
        user = Text()
        mail_from = Text()
        rcpt_tos = Text()
        received_at = Number()
        is_routed = Flag(default=False)

        class Meta:
            indexes = ((("mail",), False), (("door",), False))

    class Tickets(Table):
        number = identity()
        subject = Text()
        category = Text()
        topic = Text()
        status = Text()
        language = Text()
        created_at = Number()
        solved_at = Number(null=True)
        reopen_until = Number(null=True)
        confirmed_at = Number(null=True)
        follow_up_of = Number(null=True)
        merged_into = Number(null=True)
        assignee = Text(null=True)
        priority = Text(default="normal")
        is_incoming = Flag(default=False)
        fields = Text(default="{}")
        tags = Text(default="[]")

        class Meta:
            indexes = ((("status", "reopen_until"), False), (("follow_up_of",), False))

    class Participants(Table):
        """The first by `position` is the customer."""

        ticket = Number()
        address = Text()
        name = Text()
        position = Number()

        class Meta:
            primary_key = peewee.CompositeKey("ticket", "address")
            indexes = ((("address", "ticket"), False),)

    class People(Table):
        address = Text(primary_key=True)
        language = Text()

    class Messages(Table):
        id = identity()
        ticket = Number()
        mail = Number(null=True)
        at = Number()
        author = Text()
        author_name = Text()
        role = Text()
        is_note = Flag()
        text = Text()
        reply = Text()
        attachments = Text()
        trust = Text()
        message_id = Text()

        class Meta:
            indexes = ((("ticket", "id"), False), (("message_id",), False), (("mail",), False))

    class Events(Table):
        id = identity()
        ticket = Number()
        at = Number()
        event = Text()
        who = Text()
        via = Text()
        reason = Text()

        class Meta:
            indexes = ((("ticket", "id"), False),)

    class Outbox(Table):
        """One letter to one person. `frozen` is what goes over the wire, the same at every attempt."""

        id = identity()
        created_at = Number()
        letter = Text()
        ticket = Number(null=True)
        message = Number(null=True)
        to_address = Text()
        to_name = Text()
        to_domain = Text()
        purpose = Text()
        language = Text()
        context = Text()
        is_provoked = Flag()
        message_id = Text(unique=True)
        subject = Text(null=True)
        mail_from = Text(null=True)
        state = Text(default="queued")
        attempts = Number(default=0)
        next_attempt_at = Number()
        leased_until = Number(default=0)
        last_reply = Text(null=True)
        sent_at = Number(null=True)
        frozen = Blob(null=True)  # last, as in mails

        class Meta:
            indexes = (
                (("state", "next_attempt_at"), False),
                (("ticket", "id"), False),
                (("is_provoked", "created_at"), False),
                (("to_address", "is_provoked", "created_at"), False),
                (("to_domain", "is_provoked", "created_at"), False),
            )

    class Leases(Table):
        name = Text(primary_key=True)
        holder = Text()
        until = Number()

    class Nonces(Table):
        """Page nonces that have acted."""

        nonce = Text(primary_key=True)
        at = Number()

        class Meta:
            indexes = ((("at",), False),)

    db.create_tables(
        [Settings, Mails, Arrivals, Tickets, Participants, People, Messages, Events, Outbox, Leases, Nonces], safe=False
    )
