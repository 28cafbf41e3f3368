"""Worker processes: tasks that take a model are answered there, so that the server's own process never computes one."""
