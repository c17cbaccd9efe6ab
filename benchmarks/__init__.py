"""What Threadloom costs: flows beside the same jobs written by hand in Temporal, and beside other libraries.

`make bench` runs them; `docs/performance.md` says what each measures and holds the last figures.
"""
