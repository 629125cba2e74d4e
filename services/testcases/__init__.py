"""The library: test cases, folders and the options of projects."""
