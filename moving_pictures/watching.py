"""Finds the people in a clip, who are not looked for anew in each frame."""

from PIL import Image

from model_people.faces import People, find_people

PATIENCE = 4  # frames: so long nobody new is looked for, and one not found is taken to be there


class Watch:
    """Of one clip, whose frames come in turn."""

    def __init__(self) -> None:
        self._people: People | None = None
        self.found = False  # people, in any of the frames
        self._left = 0  # frames until what was found last no longer holds

    def people_in(self, frame: Image.Image) -> People:
        """As `find_people`. A face that is missed in a frame or two must not flicker."""
        there = self._people
        if there is None or there.faces or self._left == 0:
            found = find_people(frame)
            if found.faces or there is None or self._left == 0:
                self._people, self._left = found, PATIENCE
                self.found |= bool(found.faces)
                return found
        self._left -= 1
        return there
