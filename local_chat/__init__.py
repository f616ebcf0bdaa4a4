"""A Bot API server on localhost with a chat page, for talking to a bot without Telegram.

It speaks the part of Telegram's Bot API that chats, pictures and files need, refuses what Telegram
refuses, and knows nothing about the bot that it serves. See `server.start`.
"""
