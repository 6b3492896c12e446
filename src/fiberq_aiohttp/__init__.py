"""How FiberQ is reached: HTTP, sign-in, the command line."""
