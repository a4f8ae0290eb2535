package attacks

func onServers() []Attack { return nil }
