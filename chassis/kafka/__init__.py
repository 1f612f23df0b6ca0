"""Apache Kafka on this machine, from its jars: for tests, benches and `rekku up --bus kafka` (decision record 0011)."""
