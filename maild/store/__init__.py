"""Values <-> database. Nothing above this folder knows SQL; nothing here knows a rule."""
