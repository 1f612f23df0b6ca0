"""How the system is put on machines: image, compose file, Kubernetes manifests, and their checks."""
