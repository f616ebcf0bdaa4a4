"""Files that the server has."""

from typing import Any

from local_chat.api_error import bad_request
from local_chat.state import State

Json = dict[str, Any]

MAX_DOWNLOAD_BYTES = 20 * 2**20


async def get_user_profile_photos(
    state: State, user_id: int, offset: int = 0, limit: int = 100
) -> Json:
    person = state.people.get(user_id)
    if person is None:
        raise bad_request("user not found")
    if offset < 0 or not 1 <= limit <= 100:
        raise bad_request("wrong offset or limit")
    shown = [photo["photo"] for photo in person.photos[offset : offset + limit]]
    return {"total_count": len(person.photos), "photos": shown}


async def get_file(state: State, file_id: str = "") -> Json:
    file = state.files.get(file_id)
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.data) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.data),
        "file_path": file.path,
    }
