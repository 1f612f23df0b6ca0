"""What every service needs and none owns: a microservice chassis."""
