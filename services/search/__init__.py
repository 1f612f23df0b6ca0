"""The public read model: where a service is offered, its courses with free places, feedback and quotas."""
