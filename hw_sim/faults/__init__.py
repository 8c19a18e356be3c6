"""What can go wrong, when it does, and how it is undone: a table of faults, a schedule, a board that keeps both."""
