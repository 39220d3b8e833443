"""Mail: a letter is a value until one place sends it. One function and three templates for each message."""
