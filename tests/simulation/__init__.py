"""A whole house on one clock: a charge point, its charger, a line, a central system, people.

`town.Town` builds it, `schedule.Schedule` plays with it by the dice of a seed, `referee.Referee`
watches. ``python -m tests.simulation`` runs campaigns.
"""
