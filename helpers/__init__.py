"""Shared code of the course: what a lesson needs but does not teach.

One way through, each module importing from those to its left:

images -> layout -> files -> splits -> data
    -> weights -> models -> features -> training -> plots -> classifier
"""
