"""English that is written below texts.py and translated where it is shown."""


def translatable(message: str) -> str:
    """Returns `message`, a gettext message id, which `make translations` gathers."""
    return message


class Problem(ValueError):
    """Says what is wrong, and what to do next: `sentence` is a gettext message id, and `values`
    fill its placeholders. A value may be another problem.
    """

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values
