"""The activity that the first flow calls."""

from temporalio import activity


@activity.defn(name="greet")
def greet(name: str) -> str:
    """Return a greeting; runs in the worker and may do whatever Python can."""
    return f"Hello, {name}!"
