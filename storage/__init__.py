"""The SQL side of `domain.ports`: SQLite by default, PostgreSQL by URL.

Only composition roots and tests import this package; everybody else takes the protocols.
"""

from storage.database import Database

__all__ = ["Database"]
