"""The provider-facing gateway: the services' APIs behind one sign-in, and the pages for people."""
