"""Shared code of the course. A lesson teaches in its notebook; what it needs but does not teach is here.

One way through:  files -> pictures -> data -> weights -> models -> features -> training -> plots -> classifier
"""
