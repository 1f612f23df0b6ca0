"""What Kela pays: for now, the periods of clients' courses."""
