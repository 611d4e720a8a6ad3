"""The read model of the pages: a disposable digest of the journal, `STATE/dashboard/read.db`, with one writer.

`Reading` is all that others need: `start()` follows the journal from a thread of its own, `progress()` says how far it
is, and each query answers plain rows from one consistent picture.
"""

from dashboard.reading.keeper import Progress
from dashboard.reading.listing import Events
from dashboard.reading.past import Moment
from dashboard.reading.reading import Reading
from dashboard.reading.span import EVER, Range, parse_range

__all__ = ["EVER", "Events", "Moment", "Progress", "Range", "Reading", "parse_range"]
