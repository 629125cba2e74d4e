"""Everything that changes what a site holds, by control or by REST, and tells what happened."""
