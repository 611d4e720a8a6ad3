"""The commands a person types. Each is one module, imported only when it is asked for."""

import errno
import os
import signal
import sys

from organism.cli.context import state_folder
from organism.cli.words import understood
from organism.errors import BadInput, OrganismError, no_room

GAVE_UP = 70
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_REFUSALS = {
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO,
}  # fmt: skip


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status.

    0 done, 1 the check failed, 2 bad usage or bad input (one sentence, no traceback), 70 gave up.
    """
    options = understood(arguments)
    if options is None:
        return 2
    try:
        state_folder(options)  # refused before any work, so that no result is lost to a typo
        return int(options.perform(options))
    except OrganismError as error:
        print(f"organism: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # `organism status | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
            print(f"organism: {_not_allowed(error)}", file=sys.stderr)
            return BadInput.exit_code
        if isinstance(error, OSError) and error.errno not in _REFUSALS:
            raise
        if isinstance(error, RuntimeError) and "start new thread" not in str(error):
            raise
        print(f"organism: {no_room(error)}", file=sys.stderr)
        return GAVE_UP
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _not_allowed(error: OSError) -> str:
    """One sentence about what this user may not touch; only a person can change that."""
    what = f"{error.filename} may not be used by this user" if error.filename else "this user may not do that"
    return (
        f"{what} ({error.strerror}). See who owns it and how it is mounted (`ls -ld`, `chown`, `chmod u+rwX`), or "
        "name another folder with --state."
    )
