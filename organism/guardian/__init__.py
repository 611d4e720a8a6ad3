"""The guardian: a small process that starts the body, notices when it stands still, and starts it again.

It holds no state worth keeping and imports the standard library only: what keeps the rest alive must not fall
with it.
"""

from organism.guardian.child import ChildCommand
from organism.guardian.lock import BodyLock, FolderLock, request_stop, wait_for_body
from organism.guardian.policy import GuardOptions
from organism.guardian.watch import guard

__all__ = [
    "BodyLock",
    "ChildCommand",
    "FolderLock",
    "GuardOptions",
    "guard",
    "request_stop",
    "wait_for_body",
]
