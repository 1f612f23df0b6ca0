"""What each service knows before it is asked anything: real things in their states, so that requests are about them."""
