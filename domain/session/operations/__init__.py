"""Fork and copy: operations of the session on its threads.

A thread offers the capability (snapshot, cut, restore); what an operation keeps, drops and warns of
is decided here.
"""
