"""Where tasks run: threads or workers, their memory, their versions."""
