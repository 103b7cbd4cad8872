"""How letters leave: claims what is due in the outbox, hands it to the relay, tells the desk what became of it."""
