"""What people reach by HTTP: blueprints by audience. A view reads, calls one rule, answers."""
