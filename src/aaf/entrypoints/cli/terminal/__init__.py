"""What commands talk through: the connection to a server, what may be printed, what may be asked, how a command ends."""
