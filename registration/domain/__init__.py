"""The rules, a module per noun: plain functions that know the models and never a request."""
