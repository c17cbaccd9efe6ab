"""Patch ids: every change of workflow code that recorded histories could notice, with its reason.

A change of `domain` or `workflows` that alters the commands of a workflow for the same history goes
behind `workflow.patched(ID)`. An id leaves this file no sooner than the last run that started
before it has ended.
"""
