"""Threads: the serial execution of a flow as a pure state machine.

`decide(flow, state, input) → events`, `evolve(state, event) → state`, `effects(events) → effects`.
The workflow feeds the inputs in and performs the effects; it knows no rule of its own.
"""
