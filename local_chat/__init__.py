"""A Bot API server on localhost with a chat page, for talking to a bot without Telegram.

It speaks the part of Telegram's Bot API that chats, groups, pictures, files and inline mode need,
refuses what Telegram refuses, shows each request and its answer in an inspector, and knows nothing
about the bot that it serves. See `server.start`.
"""
