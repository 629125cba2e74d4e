"""Files that clients attach to what a service owns: rows in MongoDB, bytes behind a port."""
