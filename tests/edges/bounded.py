"""What must not hang, and what needs another user's rights."""

import os
import threading
from collections.abc import Callable
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")

NOBODY = 65534


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises; a failure, instead of a test that hangs, where it takes too long."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # the test's to judge
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"not done within {seconds} s"
    if errors:
        raise errors[0]
    return answers[0]


def without_rights(call: Callable[..., T], *arguments: object) -> T:
    """What `call` returns in a process that is not root: root reads everything."""
    if os.geteuid() != 0:
        return call(*arguments)
    with get_context("fork").Pool(1, _become_nobody) as pool:
        return pool.apply(call, arguments)


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
