"""What the command line says when it cannot do what was asked: one clear line, an exit status, no traceback."""


class Problem(Exception):
    """Something the person at the terminal can act on; `main` prints it as one line.

    Args:
        message: what is wrong and, where it helps, what to do.
        status: 1 where the work was done and something did not hold, 2 where it could not begin.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status
