"""The set-up of a run, in steps that each return a value."""
