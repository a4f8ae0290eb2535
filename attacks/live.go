package attacks

func onLive() []Attack { return nil }
