"""The published test suites."""
