"""Alarms on released code that is presumed healthy, against labels that a person gave."""
