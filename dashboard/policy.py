"""How open the dashboard is: settled once, when it starts."""

from dataclasses import dataclass

from dashboard.guard import LOCAL_NAMES


@dataclass(frozen=True, slots=True)
class Policy:
    """What the guard is told.

    names       host names served beside those of loopback
    read_login  whether looking needs a login or a token; always so where others can reach the page
    encrypted   whether this server speaks TLS itself
    """

    names: frozenset[str] = frozenset()
    read_login: bool = False
    encrypted: bool = False

    @property
    def served(self) -> frozenset[str]:
        """Every host name that is served."""
        return LOCAL_NAMES | self.names


LOOPBACK = Policy()
"""Reading without a login, on this machine alone."""
