"""A resource pool: a number of one named thing, leased to threads of all sessions, to people and to programs.

Like a session and a thread it is `decide`, `evolve` and `effects` over a state. How the line is ordered and who gets
in is in `policy`; what a request, a release and a lost holder lead to, in `leasing`.
"""
