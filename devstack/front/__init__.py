"""A TLS front with the vendor's host names, for clients whose address cannot be set."""
