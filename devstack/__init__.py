"""Everything production gets from elsewhere: Kafka, MongoDB, the edge, Jira, the processors."""
