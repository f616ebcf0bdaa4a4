"""How updates come in, by webhook or polling, and how answers go out at Telegram's pace."""
