"""What Kela pays: settlements, the prices they are held to, and payments of the periods of clients' courses."""
