"""Sessions: coordinators of threads as a pure state machine, shaped like `domain.thread`.

A session sees the lifecycle of its threads only: they execute, message each other and write their
own records without it, so its load grows with threads and not with steps.
"""
