"""The command line: one file for each noun. Heavy imports stand inside the functions, so that `--help` is quick."""
