package attacks

func onPages() []Attack { return nil }
