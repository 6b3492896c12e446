"""The measurements that the README quotes. `make bench`, or `python -m bench --help`."""
