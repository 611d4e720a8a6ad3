"""What can go wrong, named. Each message is one sentence: the thing, the rule, the value, the next step."""


class OrganismError(Exception):
    """Base of every error raised on purpose. `exit_code` is what a command returns for it."""

    exit_code = 1


class BadInput(OrganismError):
    """A person gave something that cannot be used; nothing was changed."""

    exit_code = 2


class ConfigError(BadInput):
    """A setting is unknown, malformed, out of range, or missing where it must be written out."""


class StateBusy(BadInput):
    """Another organism holds this state folder."""


class Fenced(OrganismError):
    """A retired incarnation tried to act. Whatever it wanted did not happen."""


class EffectFailed(OrganismError):
    """A step was recorded, but not all of its effects were performed: only a new process can catch up."""


class JournalDamaged(OrganismError):
    """A row of the journal does not match its digest, or rows are missing."""


class JournalUnwritable(OrganismError):
    """The journal could not be made durable: the body must end and be restarted."""


class RestartsExhausted(OrganismError):
    """A child failed more often than its supervisor tolerates: escalate one level up."""

    exit_code = 70


class MalformedBar(OrganismError):
    """A bar that cannot be believed."""


def without_frames(error: BaseException) -> BaseException:
    """The same error, and what caused it, without tracebacks: for whoever keeps it longer than it is handled.

    A traceback holds every frame, and a frame whatever the code was working with. Kept by an object that one of those
    frames knows, it is a cycle that only the garbage collector ends, and that may be long after.
    """
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            waiting += (one.__cause__, one.__context__)
    return error


def no_room(error: BaseException) -> str:
    """One sentence about what the machine refused: a thread, a descriptor, memory, a place on a disk."""
    said = str(error) or type(error).__name__
    return (
        f"the machine refused what is needed here ({said}). Free some memory, disk or processes, or raise the "
        "limits of this user (`ulimit -a` shows them), and try again."
    )
