package attacks

func onMachine() []Attack { return nil }
