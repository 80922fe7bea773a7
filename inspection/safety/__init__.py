"""Whether files carry what runs or leaks when somebody uses them."""
