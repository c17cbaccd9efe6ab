"""`replace` for the states that change at every step of a thread or session.

The standard library's looks at each field and calls the constructor: for a state of thirty fields
that is most of what a step costs. This one copies the instance's dictionary where it has one, so a
`__post_init__` of such a class does not run. To type checkers it is the standard library's.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 (re-exported)
else:

    def replace(instance: Any, /, **changes: Any) -> Any:
        """A copy of a dataclass instance with some fields changed."""
        fields = getattr(instance, "__dict__", None)
        if fields is None:
            return dataclasses.replace(instance, **changes)
        copy = object.__new__(type(instance))
        copy.__dict__.update(fields, **changes)
        return copy
