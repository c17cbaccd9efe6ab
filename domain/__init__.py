"""The pure core: flows, threads and sessions as data and functions.

Nothing here awaits, reads a clock, draws a random number or imports Temporal or SQL; time and ids
arrive in the input. What the rest of the program does, it does on the word of this package.
"""
