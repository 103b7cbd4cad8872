"""The desk: one function per thing that can happen. Brings rules, mail and store together; knows no socket."""
