"""What is asked of the code and of what it stands on, beyond style: `python -m checks.NAME`."""
