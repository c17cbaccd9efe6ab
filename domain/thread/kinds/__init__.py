"""What each kind of node does when a thread enters it, and when it looks again while the node waits.

A kind answers with `Done`, `Failed`, `Blocked` or `Descended`. It never chooses the next node and
never changes anything: that is `domain.thread.decide`'s.
"""
